"""A journal as Optuna has it, for the tests of our own.

    optuna_journal.py vectors FOLDER          writes studies.journal, studies.json, small.journal
    optuna_journal.py show FILE STUDY         prints the study as JSON
    optuna_journal.py optimize FILE STUDY N   runs N trials more, and prints it
    optuna_journal.py enqueue FILE STUDY LIST puts trials with these values into the queue

The vectors are Optuna 5.0.0's. Without Optuna it prints "no optuna" and ends with status 3.
"""

import datetime
import json
import math
import os
import sys

try:
    import optuna
except ImportError:
    print("no optuna")
    sys.exit(3)

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
try:
    from optuna.storages.journal import JournalFileBackend
except ImportError:  # before version 4
    from optuna.storages import JournalFileStorage as JournalFileBackend
from optuna.trial import TrialState, create_trial

optuna.logging.set_verbosity(optuna.logging.WARNING)


def plain(value):
    """A number that is none as a text, because JSON has no other way."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def time(moment):
    """In UTC, as the journal has it."""
    if moment is None:
        return None
    return moment.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat(
        timespec="microseconds")


def domain(distribution):
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    kind = "float" if isinstance(distribution, FloatDistribution) else "int"
    return [kind, distribution.low, distribution.high, distribution.log]


def describe(storage, name):
    study = optuna.load_study(study_name=name, storage=storage)
    trials = [{
        "number": trial.number,
        "state": trial.state.name,
        "values": trial.params,
        "domains": {key: domain(item) for key, item in trial.distributions.items()},
        "value": trial.value,
        "intermediate": trial.intermediate_values,
        "attributes": trial.user_attrs,
        "system": trial.system_attrs,
        "started": time(trial.datetime_start),
        "ended": time(trial.datetime_complete),
    } for trial in study.trials]
    return plain({
        "name": study.study_name,
        "direction": study.direction.name,
        "attributes": study.user_attrs,
        "trials": trials,
    })


def storage_at(path):
    return optuna.storages.JournalStorage(JournalFileBackend(path))


def objective(trial):
    """Of a space that conditions shape: every kind of parameter."""
    rate = trial.suggest_float("rate", 1e-5, 0.1, log=True)
    dropout = trial.suggest_float("dropout", 0.0, 0.5)
    width = trial.suggest_int("width", 16, 512, log=True)
    model = trial.suggest_categorical("model", ["dense", "conv"])
    depth = trial.suggest_int("depth", 1, 4) if model == "conv" else 1
    for step in range(3):
        trial.report(math.log10(rate) + step * 0.1, step)
        if trial.number % 5 == 3 and trial.should_prune():
            raise optuna.TrialPruned()
    trial.set_user_attr("depth", depth)
    return -abs(math.log10(rate) + 3) - dropout - abs(depth - 2) + width / 1e3


def vectors(folder):
    path = os.path.join(folder, "studies.journal")
    if os.path.exists(path):
        os.remove(path)
    storage = storage_at(path)

    def study(name, direction="minimize", **rest):
        sampler = optuna.samplers.TPESampler(seed=1, n_startup_trials=2)
        return optuna.create_study(
            storage=storage, study_name=name, direction=direction, sampler=sampler, **rest)

    # The first one's trials are counted, though it is deleted.
    gone = study("gone")
    gone.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)

    main = study("main", "maximize",
                 pruner=optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0))
    main.set_user_attr("data", {"name": "digits \u00e4 \U0001f600", "rows": [1, 2.5, None, True]})
    main.set_user_attr("nothing", float("nan"))
    main.optimize(objective, n_trials=3)

    other = optuna.create_study(
        storage=storage, study_name="two objectives", directions=["minimize", "maximize"])
    other.optimize(lambda t: (t.suggest_float("x", 0, 1), t.suggest_int("rate", 1, 3)), n_trials=2)
    nulls = study("null choices")
    nulls.optimize(lambda t: float(t.suggest_categorical("c", [None, 1]) is None), n_trials=2)
    optuna.delete_study(study_name="gone", storage=storage)

    # Waiting, then run by `optimize`: one of them in part fixed by hand.
    main.enqueue_trial({"rate": 0.002, "model": "conv"}, user_attrs={"by": "hand"})
    main.optimize(objective, n_trials=6)
    # Fails; and a value that is no number does.
    main.optimize(lambda t: 1 / (t.suggest_int("width", 1, 9, log=True) * 0), n_trials=1,
                  catch=(ZeroDivisionError,))
    main.optimize(lambda t: float("nan"), n_trials=1)
    main.optimize(lambda t: float("inf"), n_trials=1)
    # Results on the way that are no numbers.
    odd = main.ask()
    for step, value in enumerate([float("nan"), float("inf"), float("-inf"), -0.0, 1e-320]):
        odd.report(value, step * 10)
    main.tell(odd, state=TrialState.PRUNED)
    # Whole trials from elsewhere, one of each state, with a step and with odd choices.
    start = datetime.datetime(2024, 2, 29, 23, 59, 59, 7)
    whole = dict(
        params={"stepped": 0.3, "even": 6, "odd": True, "width": 8},
        distributions={
            "stepped": FloatDistribution(0.1, 0.7, step=0.2), "even": IntDistribution(2, 8, step=2),
            "odd": CategoricalDistribution([False, 0.5, True, "text", -3]),
            "width": IntDistribution(1, 8)},
        user_attrs={"by": "template"}, system_attrs={"constraints": [0.5, -1]},
        intermediate_values={0: 0.5, 100: float("inf")})
    main.add_trial(create_trial(value=0.25, **whole))
    main.add_trial(create_trial(state=TrialState.PRUNED, value=None, **whole))
    for state in (TrialState.FAIL, TrialState.WAITING, TrialState.RUNNING):
        trial = create_trial(state=state, **whole)
        trial.datetime_start = start
        main.add_trial(trial)
    # Another process sets a domain that does not go with those before, and is not heard; and it
    # writes to a trial that has ended.
    log = dict(trial_id=main.trials[0]._trial_id, worker_id="other", op_code=8,
               user_attr={"late": True})
    storage._backend.append_logs([log])
    last = main.ask()
    for text in ('{"name": "FloatDistribution", "attributes": '
                 '{"step": null, "low": 0.0, "high": 1.0, "log": false}}',
                 '{"name": "CategoricalDistribution", '
                 '"attributes": {"choices": [0, 0.5, 1, "text", -3]}}'):
        for name in ("rate", "odd"):
            storage._backend.append_logs([dict(
                op_code=5, worker_id="other", trial_id=last._trial_id, param_name=name,
                param_value_internal=1, distribution=text)])
    main.enqueue_trial({"rate": 0.03})
    # Of Rustuna.
    storage._backend.append_logs([dict(op_code=10, worker_id="other", trial_ids=[0])])
    storage._backend.append_logs([dict(op_code=0, worker_id="other", study_name="main",
                                       directions=[1])])

    with open(os.path.join(folder, "studies.json"), "w") as file:
        json.dump(describe(storage_at(path), "main"), file, indent=1, sort_keys=True)
        file.write("\n")


def small(path):
    """One study with each operation, to begin fuzzing from."""
    if os.path.exists(path):
        os.remove(path)
    storage = storage_at(path)
    storage._replay_result._worker_id_prefix = "optuna-"
    optuna.create_study(storage=storage, study_name="gone").optimize(lambda t: 1.0, n_trials=1)
    sampler = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(
        storage=storage, study_name="s", direction="maximize", sampler=sampler)
    # Half a pair of surrogates, as Python has it for a byte in a file's name.
    study.set_user_attr("a", [1, None, "\ud83d\U0001f600"])
    optuna.delete_study(study_name="gone", storage=storage)
    study.enqueue_trial({"x": 0.5})
    x, c = FloatDistribution(1e-3, 1, log=True), CategoricalDistribution(["a", True, 2, 0.5])

    def run(trial):
        trial.suggest_float("x", 1e-3, 1, log=True)
        trial.suggest_int("n", 1, 9)
        trial.suggest_categorical("c", c.choices)
        trial.report(float("nan"), 0)
        trial.report(float("inf"), 1)
        trial.set_user_attr("u", {"k": 1.5})
        return 1.0

    study.optimize(run, n_trials=2)
    study.add_trial(create_trial(
        value=0.25, params={"x": 0.5, "c": "a"}, distributions={"x": x, "c": c},
        user_attrs={"b": 1}, system_attrs={"constraints": [0.5]},
        intermediate_values={0: float("-inf")}))
    storage._backend.append_logs([dict(op_code=10, worker_id="other", trial_ids=[0])])


if sys.argv[1] == "vectors":
    vectors(sys.argv[2])
    small(os.path.join(sys.argv[2], "small.journal"))
else:
    storage, name = storage_at(sys.argv[2]), sys.argv[3]
    if sys.argv[1] == "optimize":
        optuna.load_study(study_name=name, storage=storage).optimize(
            objective, n_trials=int(sys.argv[4]))
    if sys.argv[1] == "enqueue":
        for values in json.loads(sys.argv[4]):
            optuna.load_study(study_name=name, storage=storage).enqueue_trial(values)
    print(json.dumps(describe(storage, name)))
