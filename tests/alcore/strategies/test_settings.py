import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alcore.errors import InvalidInput, MissingInput, UnknownName
from alcore.rounds import check_strategy, plan_round
from alcore.strategies import STRATEGIES, named, select
from alcore.strategies.settings import settings_of, write_spec
from alcore.types import PoolView

WITH_SETTINGS = sorted(name for name, entry in STRATEGIES.items() if entry.settings)


def values_of(setting):
    """Any value that a setting can be written with."""
    kinds = {
        "int": st.integers(-(10**9), 10**9),
        "float": st.floats(allow_nan=False, allow_infinity=False),
        "bool": st.booleans(),
        "str": st.text(string.ascii_letters, min_size=1),
        "choice": st.sampled_from(setting.choices or ("-",)),
    }
    return st.none() | kinds[setting.kind] if setting.is_optional else kinds[setting.kind]


@given(st.data())
def test_what_is_written_is_read_again(data):
    entry = STRATEGIES[data.draw(st.sampled_from(WITH_SETTINGS))]
    keys = data.draw(st.lists(st.sampled_from(sorted(entry.settings)), unique=True))
    values = {key: data.draw(values_of(entry.settings[key])) for key in keys}
    spec = write_spec(entry.name, entry.settings, values)
    chosen = named(spec)
    assert chosen.strategy.name == entry.name
    assert chosen.settings == {key: v for key, v in values.items() if v != entry.settings[key].default}
    assert chosen.spec == spec
    assert write_spec(entry.name, entry.settings, dict(reversed(values.items()))) == spec


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_any_other_text_is_refused_in_one_line(name, key, value):
    for text in (name, f"{name}:{key}={value}", f"probcover:{key}={value}", f"probcover:{key}", f"probcover{value}:"):
        with pytest.raises(InvalidInput) as refused:
            named(text)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_every_strategy_can_be_laid_out_as_a_form(name):
    for setting in STRATEGIES[name].settings.values():
        assert setting.kind in ("int", "float", "bool", "str", "choice")
        assert (setting.kind == "choice") == bool(setting.choices)
        assert setting.about, f"the docstring of {name} says nothing of `{setting.name}`"
        assert setting.default is not None or setting.is_optional
        assert not setting.choices or setting.default in setting.choices
    settings = STRATEGIES[name].settings
    assert write_spec(name, settings, {key: setting.default for key, setting in settings.items()}) == name
    assert named(name).spec == name


def test_a_spec_worked_by_hand():
    chosen = named(" probcover : n_reference=2000 : delta=4e-1 : alpha=0.95 ")
    assert chosen.settings == {"n_reference": 2000, "delta": 0.4, "alpha": 0.95}
    assert chosen.spec == "probcover:delta=0.4:n_reference=2000"
    assert named("probcover:delta=none").settings == {"delta": None}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("probcovr:delta=1", "unknown strategy 'probcovr'; known: activeft"),
        ("probcover:radius=1", "strategy 'probcover' has no setting 'radius'; it has: delta, alpha, n_classes, n_ref"),
        ("margin:beta=1", "strategy 'margin' has no setting 'beta'; it has: none"),
        ("probcover:delta", "'delta' is not `setting=value`; write name:setting=value"),
        ("probcover:", "'' is not `setting=value`"),
        ("probcover:delta=1:delta=2", "has setting 'delta' twice; leave one out"),
        ("probcover:delta=wide", "'delta' of strategy 'probcover' must be a finite number, or none; got 'wide'"),
        ("probcover:delta=nan", "must be a finite number, or none; got 'nan'"),
        ("probcover:alpha=none", "'alpha' of strategy 'probcover' must be a finite number; got 'none'"),
        ("probcover:n_reference=2.5", "must be a whole number; got '2.5'"),
        ("freesel:rule=nearest", "must be one of sample, farthest; got 'nearest'"),
        ("clue:acquisition=entropie", "must be one of .*entropy, .*; got 'entropie'"),
    ],
)
def test_a_wrong_spec_says_what_came_and_what_is_allowed(spec, message):
    with pytest.raises(InvalidInput, match=message):
        named(spec)


def test_settings_in_the_name_choose_as_settings_beside_it():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 4)).astype(np.float32)
    pool = PoolView(embeddings=points, labeled=np.zeros(60, bool))

    def rows(name, **settings):
        return select(name, pool, 8, rng=np.random.default_rng(1), **settings).rows.tolist()

    assert rows("probcover:delta=0.9") == rows("probcover", delta=0.9)
    assert rows("probcover:delta=0.9") != rows("probcover:delta=0.1")
    assert rows("probcover:delta=0.1", delta=0.9) == rows("probcover", delta=0.9)


def test_another_acquisition_function_changes_what_a_strategy_needs():
    assert named("power").strategy.needs == {"probabilities"}
    assert named("power:acquisition=bald").strategy.needs == {"committee"}
    pool = PoolView(
        embeddings=np.eye(4, dtype=np.float32), labeled=np.zeros(4, bool), probabilities=np.full((4, 2), 0.5)
    )
    with pytest.raises(MissingInput, match="'power' needs committee"):
        select("power:acquisition=bald", pool, 1, rng=np.random.default_rng(0))


def test_a_round_keeps_the_settings_and_checks_them_beforehand():
    plan = plan_round("classification", 3, "power:beta=2.0:acquisition=bald", "default", "default", 5)
    assert plan.strategy == "power:acquisition=bald:beta=2.0"
    assert plan.reason == "power:acquisition=bald:beta=2.0: asked for"
    with pytest.raises(InvalidInput, match="'power' needs evidence, which classification rounds do not have"):
        check_strategy("power:acquisition=dissonance", n_labeled=3, task="classification")
    with pytest.raises(UnknownName, match="unknown strategy 'default'"):
        plan_round("classification", 3, "default:beta=1", "default", "default", 5)


def test_a_setting_of_another_type_cannot_be_registered():
    def function(pool, batch_size, *, rng, weights: tuple[int, ...] = ()):
        """Do nothing with `weights`."""

    with pytest.raises(InvalidInput, match="setting 'weights' is tuple"):
        settings_of(function)
