"""What can be chosen by name: all of it, and the strategies that a project's rounds can feed as it stands."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from app.api.schemas import Registry, RegistryEntry, Strategies, StrategySetting
from app.service.context import Context
from app.store import items, projects

if TYPE_CHECKING:
    from alcore.rounds import Task
    from alcore.strategies import Strategy

NEEDS_LABELS = frozenset({"costs", "losses"})
NEEDS_GROUPS = frozenset({"groups", "positions"})


def registry() -> Registry:
    """All methods that can be chosen by name."""
    from alcore.encoders.registry import ENCODERS
    from alcore.heads.registry import HEADS
    from alcore.strategies import STRATEGIES
    from prompts.registry import SEGMENTERS

    return Registry(
        strategies=[_strategy(entry) for entry in STRATEGIES.values()],
        encoders=_entries(ENCODERS),
        segmenters=_entries(SEGMENTERS),
        heads=_entries(HEADS),
    )


def strategies_for(ctx: Context, project_id: int) -> Strategies:
    """The strategies that a project's next round can feed, and the one that it takes unless told otherwise.

    Before the first label there is no head and no cost to learn from; without groups there is nothing to stride along.
    """
    from alcore.rounds import asks_a_head, runs_in, usual_strategy
    from alcore.strategies import STRATEGIES

    with ctx.db.read() as connection:
        project = projects.get(connection, project_id)
        n_labeled = projects.state_counts(connection, project_id, now=ctx.clock()).get("labeled", 0)
        lacking = frozenset() if items.has_groups(connection, project_id) else NEEDS_GROUPS
    if not n_labeled:
        lacking |= NEEDS_LABELS
    task = cast("Task", project["task"])
    entries = [STRATEGIES[name] for name in runs_in(task)]
    fed = [entry for entry in entries if not entry.needs & lacking and (n_labeled or not asks_a_head(entry))]
    return Strategies(
        by_default=usual_strategy(task, n_labeled, project["cold_start"], project["strategy"])[0],
        strategies=[_strategy(entry, task, lacking) for entry in fed],
    )


def _entries(known: Mapping[str, object]) -> list[RegistryEntry]:
    """A registry as the wire shows it."""
    return [
        RegistryEntry(
            name=name,
            summary=str(getattr(entry, "summary", "")),
            paper=getattr(entry, "paper", None),
            licence=getattr(entry, "licence", None),
        )
        for name, entry in known.items()
    ]


def _strategy(entry: "Strategy", task: "Task | None" = None, lacking: frozenset[str] = frozenset()) -> RegistryEntry:
    """A strategy as the wire shows it; for a task, only what that can feed may be chosen in its settings."""
    from alcore.rounds import FED, starved_of

    return RegistryEntry(
        name=entry.name,
        summary=entry.summary,
        paper=entry.paper,
        needs=sorted(entry.needs),
        tasks=sorted(known for known in FED if not starved_of(entry, known)),
        phase=entry.phase,
        advice=entry.advice,
        settings=[
            StrategySetting(
                name=setting.name,
                kind=setting.kind,
                default=setting.default,
                is_optional=setting.is_optional,
                choices=_fed_choices(entry, setting.name, setting.choices, task, lacking),
                about=setting.about,
            )
            for setting in entry.settings.values()
        ],
    )


def _fed_choices(
    entry: "Strategy", name: str, choices: Iterable[str], task: "Task | None", lacking: frozenset[str]
) -> list[str]:
    """What a setting may be; of acquisition functions those that a task can feed."""
    from alcore.rounds import starved_of
    from alcore.strategies import named

    if task is None or name != "acquisition":
        return list(choices)
    ranked = {choice: named(f"{entry.name}:acquisition={choice}").strategy for choice in choices}
    return [choice for choice, by in ranked.items() if not starved_of(by, task) and not by.needs & lacking]
