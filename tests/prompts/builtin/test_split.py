"""The rule that keeps images out of training."""

import pytest

from prompts.builtin.split import group_of, is_held_out, is_validation

STEMS = [f"{i:016x}" for i in range(2000)]


def test_ultrasound_follows_its_publishers_test_set() -> None:
    assert is_held_out("us_nerve_usgra", "test_0237")
    assert not is_held_out("us_nerve_usgra", "0237")


def test_other_sets_leave_out_a_fifth_and_no_image_twice() -> None:
    held = [s for s in STEMS if is_held_out("nuclei_dsb2018", s)]
    watched = [s for s in STEMS if is_validation("nuclei_dsb2018", s)]
    assert 0.16 < len(held) / len(STEMS) < 0.24
    assert 0.03 < len(watched) / len(STEMS) < 0.07
    assert not set(held) & set(watched)


@pytest.mark.parametrize(
    ("dataset", "a", "b"),
    [("fundus_chase", "Image_07L", "Image_07R"), ("ct_liver_msd", "msd_10123_92", "msd_10123_96")],
)
def test_images_of_one_patient_stay_together(dataset: str, a: str, b: str) -> None:
    assert group_of(dataset, a) == group_of(dataset, b)
    assert is_held_out(dataset, a) == is_held_out(dataset, b)


def test_the_rule_does_not_change_between_versions() -> None:
    assert [i for i, s in enumerate(STEMS[:20]) if is_held_out("polyp_endotect", s)] == [5, 9, 13, 18]
