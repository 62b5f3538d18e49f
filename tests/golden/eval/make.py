#!/usr/bin/env python3
"""Makes the predictions of this folder and what ser-eval has to say of them.

Run in the folder: python3 make.py, with scikit-learn 1.4.2, SciPy and NumPy. Figures are
scikit-learn's where it has them, else the formula of ser-eval(1) in NumPy. The random numbers of
the bootstrap are Philox 4x32-10 (Salmon et al., 2011), written here again.
"""
import warnings

import numpy as np
from scipy.stats import binomtest
from sklearn import metrics

CLASSES = ["angry", "calm", "happy", "sad", "tense"]
GROUPS = ["speaker", "corpus", "sex"]
SCORES = ["wa", "ua", "macro_f1", "weighted_f1"]
MASK = 0xFFFFFFFF
# Nine digits do not add up to 1 to the last bit, which log_loss divides by and warns of.
warnings.simplefilter("ignore", UserWarning)


# ---- predictions ----

def probabilities(rng, n, k):
    """Rows with ties, with zeros, with values on the edges of bins, with a certain class."""
    p = rng.dirichlet(np.full(k, 0.5), n)
    p[0::4] = rng.multinomial(10, np.full(k, 1 / k), len(p[0::4])) / 10
    p[1::4] = rng.multinomial(1000, np.full(k, 1 / k), len(p[1::4])) / 1000
    p[2::12] = np.eye(k)[rng.integers(0, k, len(p[2::12]))]
    p[3::12] = [0.5, 0.5] + [0] * (k - 2)
    return p


def write(name, seed, n, columns, truths, speakers, first=0):
    """columns: the model's classes; truths: those that occur; first: number of the first row."""
    rng = np.random.default_rng(seed)
    p = probabilities(rng, n, len(columns))
    truth = rng.choice(truths, n)
    best = np.array(columns)[p.argmax(axis=1)]
    # Better than chance, and now and then not the most probable class.
    truth = np.where((rng.random(n) < 0.4) & np.isin(best, truths), best, truth)
    predicted = np.where(rng.random(n) < 0.9, best, rng.choice(columns, n))
    with open(name, "w") as out:
        header = ["id", "emotion", "predicted", "confidence"] + ["p_" + c for c in columns] + GROUPS
        print(*header, sep="\t", file=out)
        for i in range(n):
            s = (first + i) % len(speakers)
            q = p[i, columns.index(predicted[i])]
            row = [f"u{first + i:03}", truth[i], predicted[i], f"{q:.9g}"]
            row += [f"{x:.9g}" for x in p[i]]
            row += [speakers[s], "xy"[s % 3 == 0], ["female", "male"][s % 2]]
            print(*row, sep="\t", file=out)


def read(name, classes):
    """Rows as dictionaries, with p over all classes."""
    with open(name) as f:
        header, *lines = [line.rstrip("\n").split("\t") for line in f]
    rows = [dict(zip(header, line)) for line in lines]
    for row in rows:
        row["p"] = np.array([float(row.get("p_" + c, 0)) for c in classes])
    return rows


# ---- figures ----

def totals(rows, classes):
    t = [r["emotion"] for r in rows]
    y = [r["predicted"] for r in rows]
    p = np.array([r["p"] for r in rows])
    hot = np.array([[c == r["emotion"] for c in classes] for r in rows], float)
    confidence, right = judged(rows, classes)
    bins = bin_of(confidence)
    ece = sum(abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean()
              for b in range(10) if (bins == b).any())
    return {
        "n": len(rows),
        "wa": metrics.accuracy_score(t, y),
        # The mean over the classes of the truth, as balanced accuracy is.
        "ua": metrics.recall_score(t, y, labels=sorted(set(t)), average="macro", zero_division=0),
        "macro_f1": metrics.f1_score(t, y, average="macro", zero_division=0),
        "weighted_f1": metrics.f1_score(t, y, average="weighted", zero_division=0),
        "top2": metrics.top_k_accuracy_score(t, p, k=2, labels=classes),
        "log_loss": metrics.log_loss(t, p, labels=classes),
        "brier": ((p - hot) ** 2).sum(axis=1).mean(),
        "ece": ece,
    }


def judged(rows, classes):
    confidence = np.array([r["p"][classes.index(r["predicted"])] for r in rows])
    return confidence, np.array([r["emotion"] == r["predicted"] for r in rows], float)


def bin_of(confidence):
    """(0, 0.1] is 0 ... (0.9, 1] is 9, and so is 0 in the first."""
    return np.searchsorted(np.arange(1, 11) / 10, confidence, side="left")


def details(rows, classes):
    """(measure, class, predicted, value, kind): kind is meant, absent or count."""
    t = [r["emotion"] for r in rows]
    y = [r["predicted"] for r in rows]
    of = metrics.precision_recall_fscore_support(t, y, labels=classes, zero_division=0)
    out = []
    for c, name in enumerate(classes):
        kind = "meant" if of[3][c] else "absent"
        for measure, values in zip(["precision", "recall", "f1"], of):
            out.append((measure, name, "-", values[c], kind))
        out.append(("support", name, "-", of[3][c], "count"))
    counts = metrics.confusion_matrix(t, y, labels=classes)
    with np.errstate(invalid="ignore"):
        rates = metrics.confusion_matrix(t, y, labels=classes, normalize="true")
    for c, name in enumerate(classes):
        for k, other in enumerate(classes):
            out.append(("confusion", name, other, counts[c, k], "count"))
            out.append(("confusion_rate", name, other, rates[c, k],
                        "meant" if of[3][c] else "absent"))
    confidence, right = judged(rows, classes)
    bins = bin_of(confidence)
    for b in range(10):
        chosen = bins == b
        name = f"{(b + 1) / 10:.1f}"
        out.append(("bin_n", name, "-", chosen.sum(), "count"))
        out.append(("bin_confidence", name, "-",
                    confidence[chosen].mean() if chosen.any() else 0, "count"))
        out.append(("bin_accuracy", name, "-", right[chosen].mean() if chosen.any() else 0,
                    "count"))
    order = np.argsort(-confidence, kind="stable")
    for share in range(0, 100, 10):
        left = order[:len(rows) - len(rows) * share // 100]
        out.append(("accuracy_rejecting", str(share), "-", right[left].mean() if len(left) else 0,
                    "meant"))
    return out


# ---- intervals ----

def philox(key, lo, hi):
    c = [lo & MASK, lo >> 32, hi & MASK, hi >> 32]
    k0, k1 = key
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k0, b & MASK, (a >> 32) ^ c[3] ^ k1, a & MASK]
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c


def key_of(seed, stream, a, b):
    first = philox((seed & MASK, seed >> 32), stream, 0)
    return tuple(philox(first[:2], a, b)[:2])


def below(key, i, n):
    attempt = 0
    while True:
        w = philox(key, i, attempt)
        r = w[0] << 32 | w[1]
        if r >= (1 << 64) % n:
            return r % n
        attempt += 1


def scores(rows):
    t = [r["emotion"] for r in rows]
    y = [r["predicted"] for r in rows]
    return np.array([
        metrics.accuracy_score(t, y),
        metrics.recall_score(t, y, labels=sorted(set(t)), average="macro", zero_division=0),
        metrics.f1_score(t, y, average="macro", zero_division=0)])


def intervals(rows, other=None, draws=2000, seed=1, stream=6):
    """Percentiles 2.5 and 97.5 of each score, or of the differences; None below 5 speakers."""
    speakers = sorted({r["speaker"] for r in rows})
    if len(speakers) < 5:
        return None
    drawn = []
    for d in range(draws):
        key = key_of(seed, stream, d, 0)
        chosen = [speakers[below(key, s, len(speakers))] for s in range(len(speakers))]
        pick = lambda some: [r for s in chosen for r in some if r["speaker"] == s]
        drawn.append(scores(pick(rows)) - (scores(pick(other)) if other else 0))
    return np.percentile(drawn, [2.5, 97.5], axis=0)


# ---- what is expected ----

def study(out_name, *names):
    """What ser-eval --tsv says of the files."""
    classes = sorted({r[c] for n in names for r in read(n, []) for c in ("emotion", "predicted")} |
                     {c[2:] for n in names for r in read(n, []) for c in r if c.startswith("p_")})
    files = [(n, read(n, classes)) for n in names]
    pooled = [r for _, rows in files for r in rows]
    with open(out_name, "w") as out:
        def say(file, measure, name, predicted, value):
            print(file, measure, name, predicted, repr(float(value)), sep="\t", file=out)

        for name, rows in files + [("pooled", pooled)]:
            for measure, value in totals(rows, classes).items():
                say(name, measure, "-", "-", value)
            for row in details(rows, classes):
                say(name, *row[:4])
        bounds = intervals(pooled)
        if bounds is not None:
            for i in range(3):
                say("pooled", SCORES[i] + "_low", "-", "-", bounds[0][i])
                say("pooled", SCORES[i] + "_high", "-", "-", bounds[1][i])
        every = {}
        for _, rows in files:
            for measure, value in totals(rows, classes).items():
                if measure != "n":
                    every.setdefault((measure, "-", "-"), []).append(value)
            for measure, name, predicted, value, kind in details(rows, classes):
                if kind == "meant":
                    every.setdefault((measure, name, predicted), []).append(value)
        for key, values in every.items():
            say("mean", *key, np.mean(values))
            say("deviation", *key, np.std(values, ddof=1) if len(values) > 1 else 0)
        for group in GROUPS:
            for member in sorted({r[group] for r in pooled}):
                rows = [r for r in pooled if r[group] == member]
                for measure, value in totals(rows, classes).items():
                    say(group, measure, member, "-", value)
                for row in details(rows, classes):
                    say(f"{group}={member}", *row[:4])


def comparison(out_name, first, second):
    """What ser-eval --tsv FIRST --against SECOND says."""
    a, b = read(first, []), read(second, [])
    b = [next(s for s in b if s["id"] == r["id"]) for r in a]
    bounds = intervals(a, b)
    right = [[r["emotion"] == r["predicted"] for r in rows] for rows in (a, b)]
    only = [sum(x and not y for x, y in zip(*pair)) for pair in (right, right[::-1])]
    with open(out_name, "w") as out:
        for i, value in enumerate(scores(a) - scores(b)):
            for what, v in zip(("difference", "low", "high"), (value, *bounds[:, i])):
                print(first, SCORES[i], what, "-", repr(float(v)), sep="\t", file=out)
        p = binomtest(min(only), sum(only), 0.5).pvalue
        for what, v in zip(("only_first", "only_second", "p"), (*only, p)):
            print(first, "mcnemar", what, "-", repr(float(v)), sep="\t", file=out)


def second_system(name, first, seed):
    """The rows of first in another order, with other predictions."""
    rng = np.random.default_rng(seed)
    with open(first) as f:
        header, *lines = [line.rstrip("\n").split("\t") for line in f]
    with open(name, "w") as out:
        print(*header[:3], "speaker", sep="\t", file=out)
        for i in rng.permutation(len(lines)):
            row = dict(zip(header, lines[i]))
            y = row["predicted"] if rng.random() < 0.6 else rng.choice(["angry", "calm", "sad"])
            print(row["id"], row["emotion"], y, row["speaker"], sep="\t", file=out)


FIVE = ["s1", "s2", "s3", "s4", "s5"]
# The truth has no calm; tense, which the truth has, is no class of the model.
write("one.tsv", 1, 60, CLASSES[:4], ["angry", "happy", "sad", "tense"], FIVE)
# Two folds of three speakers in all; the first's truth has no sad, the second's model no angry.
write("fold1.tsv", 2, 37, CLASSES[:4], ["angry", "calm", "happy"], FIVE[:2])
write("fold2.tsv", 3, 24, CLASSES[1:4], ["calm", "happy", "sad"], FIVE[2:3], 37)
second_system("other.tsv", "one.tsv", 4)
study("one.expected", "one.tsv")
study("folds.expected", "fold1.tsv", "fold2.tsv")
comparison("against.expected", "one.tsv", "other.tsv")
