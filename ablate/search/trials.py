"""The trials of a search, or of one cell's tuning: an Optuna study of their own in the ledger's storage.

Each step is one record of the storage, so that a process that dies leaves whole trials: a trial is created with its
parameters, and what it ended with is written before the state that makes it final.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

_DIRECTIONS = {"maximize": StudyDirection.MAXIMIZE, "minimize": StudyDirection.MINIMIZE}
_USED_UP = "used_up"


class SampledTrials:
    """Trials by number. Reading needs nothing; the first trial that is added creates the study.

    Args:
        storage: the ledger's.
        name: of the Optuna study.
        writing: goes around every change (see `Ledger`).
    """

    def __init__(self, storage: BaseStorage, name: str, writing: Callable[[], AbstractContextManager[None]]) -> None:
        self.name = name
        self._storage = storage
        self._writing = writing

    def all(self) -> list[FrozenTrial]:
        """Every trial, by number; none where nothing was sampled."""
        study_id = self._study_id()
        return [] if study_id is None else self._storage.get_all_trials(study_id, deepcopy=False)

    @property
    def used_up(self) -> bool:
        """Whether the space was found to hold no further point."""
        study_id = self._study_id()
        return study_id is not None and bool(self._storage.get_study_user_attrs(study_id).get(_USED_UP))

    def use_up(self) -> None:
        """Note that the space holds no further point."""
        if (study_id := self._study_id()) is not None and not self.used_up:
            with self._writing():
                self._storage.set_study_user_attr(study_id, _USED_UP, True)

    def add(
        self,
        params: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
        *,
        directions: Sequence[str],
        state: TrialState = TrialState.RUNNING,
        system: Mapping[str, Any] | None = None,
        **attributes: Any,
    ) -> FrozenTrial:
        """Store a trial that begins, or one that has ended before it began."""
        trial = create_trial(
            state=state,
            params=dict(params),
            distributions=dict(distributions),
            user_attrs=attributes,
            system_attrs=dict(system or {}),
        )
        # create_trial stamps a start only on trials that have ended.
        trial.datetime_start = trial.datetime_start or datetime.now()
        with self._writing():
            study_id = self._study_id()
            if study_id is None:
                study_id = self._storage.create_new_study([_DIRECTIONS[each] for each in directions], self.name)
            return self._storage.get_trial(self._storage.create_new_trial(study_id, template_trial=trial))

    def finish(
        self,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None = None,
        *,
        constraints: Mapping[str, float] | None = None,
        steps: Mapping[int, float] | None = None,
        reason: str = "",
    ) -> None:
        """End a trial.

        Args:
            trial: one that runs.
            state: what became of it.
            values: the objectives, of a complete one.
            constraints: how far each limit is exceeded; not above 0 is feasible.
            steps: intermediate values.
            reason: why it is not complete.
        """
        with self._writing():
            for name, excess in (constraints or {}).items():
                self._storage.set_trial_system_attr(trial._trial_id, f"constraints:{name}", excess)
            for step, value in (steps or {}).items():
                self._storage.set_trial_intermediate_value(trial._trial_id, step, value)
            if reason:
                self._storage.set_trial_user_attr(trial._trial_id, "reason", reason)
            self._storage.set_trial_state_values(trial._trial_id, state, values)

    def _study_id(self) -> int | None:
        try:
            return self._storage.get_study_id_from_name(self.name)
        except KeyError:
            return None
