#!/usr/bin/env python3
"""What librosa computes, for tests/unit/test_features.c: python3 make.py > librosa.h

Made with librosa 0.11.0 and NumPy 2.4.6. The sounds are a rule that the C side knows too, so that only librosa's
results are kept.
"""
import librosa
import numpy as np


def noise(n):
    """n numbers from -1 to 1 that look random: a hash of their place."""
    h = np.arange(n, dtype="uint32") * np.uint32(2654435761)
    h ^= h >> np.uint32(15)
    h *= np.uint32(2246822519)
    h ^= h >> np.uint32(13)
    return ((h >> np.uint32(8)).astype("float32") / np.float32(2**23) - np.float32(1)).astype("float32")


def in_pieces(pieces):
    """Noise whose level is given piece by piece, each (samples, level)."""
    level = np.concatenate([np.full(n, a, "float32") for n, a in pieces])
    return noise(level.size) * level


TRIM = [
    (60, [(9000, 0), (20000, 0.5), (7001, 0)]),
    (35, [(9000, 0.001), (20000, 0.5), (7001, 0.004)]),
    (35, [(9000, 0.02), (20000, 0.5), (7001, 0.004)]),
    (20, [(3000, 0.1), (2500, 0.02), (4000, 0.3), (5000, 0.01), (700, 0.2), (900, 0.001)]),
    (20, [(511, 0.0001), (1, 1), (512, 0.0001)]),
    (10, [(300, 0.25)]),
    (60, [(1, 1)]),
    (60, [(5000, 0)]),
    (60, [(5000, 1e-6), (5000, 2e-6)]),
    (40, [(5000, 1e-5), (600, 1e-3), (5000, 0)]),
    (1, [(4096, 0.5), (4096, 0.52), (4096, 0.4)]),
    (30, [(20480, 0), (512, 1), (20480, 0)]),
]


def trims():
    print("static const struct {\n    double db;\n    struct piece piece[8];\n    size_t from, to;\n} librosa_trim[] = {")
    for db, pieces in TRIM:
        _, (start, end) = librosa.effects.trim(in_pieces(pieces), top_db=db)
        text = ", ".join(f"{{{n}, {a}f}}" if isinstance(a, float) else f"{{{n}, {a}}}" for n, a in pieces)
        print(f"    {{{db}, {{{text}}}, {start}, {end}}},")
    print("};")


def glide(n, rate):
    """A voice that rises from 100 to 300 Hz: ten harmonics, each as loud as 1 / its number."""
    t = np.arange(n) / rate
    end = n / rate
    phase = 2 * np.pi * (100 * t + 200 * t * t / (2 * end))
    return (sum(np.sin(k * phase) / k for k in range(1, 11)) / 4).astype("float32")


def f0():
    """Frames 4 and on are whole."""
    y = librosa.yin(glide(22050, 22050), fmin=55, fmax=880, sr=22050, hop_length=512)[4:-4]
    print("static const double librosa_yin[] = {")
    for i in range(0, len(y), 6):
        print("    " + " ".join(f"{v:.7g}," for v in y[i:i + 6]))
    print("};")


def main():
    print("/* What librosa computes; made by make.py, which says how. */")
    trims()
    f0()


main()
