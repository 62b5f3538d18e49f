"""Optuna on a recorded grid, for regret.pl.

usage: python3 regret_peer.py TABLE SPACE SEEDS BUDGET...

TABLE has the figures of every epoch of every combination of SPACE. For each method, seed and budget (in
trainings to the end) prints method, seed, budget, epochs trained and the recall, trained to the end, of the
trial that is first: of those that were trained longest the best, which is Optuna's best_trial once one was
trained to the end.
"""
import csv
import sys
import warnings

import optuna
from optuna.pruners import HyperbandPruner, NopPruner
from optuna.samplers import RandomSampler, TPESampler


def is_number(word):
    try:
        float(word)
    except ValueError:
        return False
    return True


def read_space(path):
    lines = [line.split('#')[0].split() for line in open(path)]
    return {words[0]: words[2:] for words in lines if words}


def read_table(path, names):
    """The recalls of the epochs of each combination; those of a training that failed are None."""
    recalls = {}
    with open(path) as file:
        for row in csv.DictReader(file, delimiter='\t'):
            point = recalls.setdefault(tuple(row[name] for name in names), [])
            point.append(None if row['val_recall'] == '-' else float(row['val_recall']))
    return recalls


def suggest(trial, space, ordered):
    """A choice as it stands; or, of numbers, its place in their order."""
    for name, words in space.items():
        if ordered and len(words) > 2 and all(map(is_number, words)):
            yield words[trial.suggest_int(name, 0, len(words) - 1)]
        else:
            yield trial.suggest_categorical(name, words)


def search(space, recalls, budgets, sampler, pruner, ordered):
    """What each budget, in epochs, leads to: epochs trained, and recall of the first trial."""
    study = optuna.create_study(direction='maximize', sampler=sampler, pruner=pruner)
    spent, first, answers = 0, (0, -1, 0), []
    while len(answers) < len(budgets):
        trial = study.ask()
        figures = recalls[tuple(suggest(trial, space, ordered))]
        trained, pruned = 0, False
        for trained, recall in enumerate(figures, 1):
            if recall is None:
                break
            trial.report(recall, trained)
            if trained < len(figures) and trial.should_prune():
                pruned = True
                break
        if recall is None:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        elif pruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, recall)
        while len(answers) < len(budgets) and spent + trained > budgets[len(answers)]:
            answers.append((spent, first[2]))
        spent += trained
        if recall is not None:
            first = max(first, (trained, recall, figures[-1] or 0), key=lambda place: place[:2])
    return answers


def main():
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter('ignore', optuna.exceptions.ExperimentalWarning)
    table, path, seeds, *budgets = sys.argv[1:]
    space = read_space(path)
    recalls = read_table(table, list(space))
    epochs = len(next(iter(recalls.values())))
    budgets = [int(budget) for budget in budgets]

    def hyperband():
        return HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=3)

    methods = {
        'Optuna random': lambda seed: (RandomSampler(seed=seed), NopPruner(), False),
        'Optuna TPE': lambda seed: (TPESampler(seed=seed), NopPruner(), False),
        'Optuna TPE, ordered': lambda seed: (TPESampler(seed=seed, multivariate=True), NopPruner(), True),
        'Optuna Hyperband, random': lambda seed: (RandomSampler(seed=seed), hyperband(), False),
        'Optuna Hyperband, TPE': lambda seed: (TPESampler(seed=seed), hyperband(), False),
    }
    print(f'# Optuna {optuna.__version__}', flush=True)
    for method, make in methods.items():
        for seed in range(1, int(seeds) + 1):
            answers = search(space, recalls, [budget * epochs for budget in budgets], *make(seed))
            for budget, (spent, recall) in zip(budgets, answers):
                print(method, seed, budget, spent, recall, sep='\t', flush=True)


main()
