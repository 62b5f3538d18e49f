#!/usr/bin/env python3
"""The fundamental frequency of speech by Praat (its method "to pitch (ac)"), for tests/unit/test_features.c.

usage: make.py >praat.h               of speech.wav, which says with
           espeak-ng -v en+f3 --stdout 'So happy to see you' | sox -D -t wav - -r 16000 -b 16 -e signed speech.wav trim 0.05 1.3
       make.py SER_MFCC WAV...        prints how far ser-mfcc --append f0,voicing agrees on recordings

Made with espeak-ng 1.51, praat-parselmouth 0.4.7 (Praat 6.1.38) and NumPy 2.4.6 (pip install praat-parselmouth).
"""
import pathlib
import subprocess
import sys

import numpy
import parselmouth

HOP = 256  # samples of speech.wav


def praat(path, seconds):
    """F0 in Hz at these times; 0 where Praat hears no voice."""
    pitch = parselmouth.Sound(str(path)).convert_to_mono().to_pitch_ac(time_step=0.005, pitch_floor=55, pitch_ceiling=880)
    hz = numpy.array([pitch.get_value_at_time(s) for s in seconds])
    return numpy.nan_to_num(hz)


def header():
    path = pathlib.Path(__file__).with_name("speech.wav")
    sound = parselmouth.Sound(str(path))
    hz = praat(path, numpy.arange(0, sound.n_samples, HOP) / sound.sampling_frequency)
    print("/* What Praat hears in speech.wav, in Hz, every %d samples; made by make.py, which says how. */" % HOP)
    print("static const double praat_hz[] = {")
    for i in range(0, len(hz), 12):
        print("    " + " ".join("%.5g," % v for v in hz[i:i + 12]))
    print("};")


def compare(ser_mfcc, paths):
    frames = agree = 0
    cents = []
    for path in paths:
        stream = subprocess.run([ser_mfcc, "-q", "--append", "f0,voicing", "--frames", "0", path], check=True, stdout=subprocess.PIPE)
        text = subprocess.run([str(pathlib.Path(ser_mfcc).with_name("ser-tensor")), "text"], check=True, input=stream.stdout, stdout=subprocess.PIPE)
        semitones = numpy.array([float(x) for x in text.stdout.decode().split("\n")[-3].split() if x != "]"])
        ours = numpy.where(semitones > 0, 27.5 * 2 ** (semitones / 12), 0)
        theirs = praat(path, numpy.arange(len(ours)) * 512 / 22050)
        both = (ours > 0) & (theirs > 0)
        frames += len(ours)
        agree += ((ours > 0) == (theirs > 0)).sum()
        cents += list(abs(1200 * numpy.log2(ours[both] / theirs[both])))
    cents = numpy.array(cents)
    print("%d recordings, %d frames: voiced or not as Praat has it %.1f %%; of %d voiced in both within 50 cents %.1f %%, within a fifth of the frequency %.1f %%, median %.1f cents"
          % (len(paths), frames, 100 * agree / frames, len(cents), 100 * (cents < 50).mean(), 100 * (cents < 316).mean(), numpy.median(cents)))


if len(sys.argv) > 2:
    compare(sys.argv[1], sys.argv[2:])
else:
    header()
