#!/usr/bin/env python3
"""What ser-tensor has to make of the streams of this folder, for NumPy and for Kaldi.

python3 make.py makes the golden files: the arrays as numpy.save writes them, the archive after Kaldi's
description of its binary tables (kaldi-io.h, kaldi-matrix.cc: the key and a space, a zero byte and
"B", "FM " or "FV ", then each dimension as a byte 4 and an int32, then the elements by row). It
reads the streams itself, after ser-tensor(5).
python3 make.py NPZ ARK reads what ser-tensor made of same.sert with npz and of mixed.sert with ark, the
first with numpy.load, the second after that description, and compares. NumPy 2.2.4.

same.sert and mixed.sert were made, in this folder, by
    ser-mfcc -q -m three.tsv --coefs 4 --frames 3 -o same.sert
    ser-mfcc -q -m three.tsv --coefs 4 --frames 0 -o mixed.sert
"""
import struct
import sys

import numpy as np


def align(at):
    return (at + 63) // 64 * 64


def records(path):
    """(key, attributes, array) of each record of f32."""
    data = open(path, "rb").read()
    at = align(24 + struct.unpack_from("<I", data, 16)[0] + 8)
    while data[at:at + 4] == b"REC\n":
        kind, rank = data[at + 4], data[at + 5]
        k, n = struct.unpack_from("<II", data, at + 8)
        size, = struct.unpack_from("<Q", data, at + 16)
        dims = struct.unpack_from(f"<{rank}Q", data, at + 24)
        text = at + 24 + 8 * rank
        key = data[text:text + k].decode()
        lines = data[text + k:text + k + n].decode().splitlines()
        payload = align(text + k + n)
        assert kind == 1
        yield key, dict(line.split("=", 1) for line in lines), np.frombuffer(
            data, "<f4", size // 4, payload).reshape(dims)
        at = align(payload + size + 8)
    assert data[at:at + 4] == b"END\n" and at + 64 == len(data)


def arrays(path):
    rows = list(records(path))
    return {
        "features": np.stack([a for _, _, a in rows]),
        "ids": np.array([key for key, _, _ in rows]),
        "labels": np.array([attributes.get("emotion", "-") for _, attributes, _ in rows]),
        "speakers": np.array([attributes.get("speaker", "-") for _, attributes, _ in rows]),
    }


def archive(path):
    """An entry is a row a frame: the transposed features."""
    out = b""
    for key, _, a in records(path):
        a = a.T
        out += key.encode() + b" \0BFM \4" + struct.pack("<i", a.shape[0])
        out += b"\4" + struct.pack("<i", a.shape[1]) + np.ascontiguousarray(a, "<f4").tobytes()
    return out


def read_archive(path):
    data, at, entries = open(path, "rb").read(), 0, {}
    while at < len(data):
        end = data.index(b" ", at)
        key = data[at:end].decode()
        assert data[end + 1:end + 6] == b"\0BFM ", data[end:end + 6]
        assert data[end + 6] == 4 and data[end + 11] == 4
        rows, = struct.unpack_from("<i", data, end + 7)
        columns, = struct.unpack_from("<i", data, end + 12)
        entries[key] = np.frombuffer(data, "<f4", rows * columns, end + 16).reshape(rows, columns)
        at = end + 16 + 4 * rows * columns
    return entries


if len(sys.argv) == 1:
    for name, array in arrays("same.sert").items():
        np.save(name + ".npy", array)
    open("mixed.ark", "wb").write(archive("mixed.sert"))
else:
    loaded = np.load(sys.argv[1])
    for name, array in arrays("same.sert").items():
        assert loaded[name].dtype == array.dtype, (name, loaded[name].dtype, array.dtype)
        assert (loaded[name] == array).all(), name
    assert set(loaded.files) == {"features", "ids", "labels", "speakers"}
    entries = read_archive(sys.argv[2])
    wanted = {key: a.T for key, _, a in records("mixed.sert")}
    assert list(entries) == list(wanted)
    assert all((entries[key] == a).all() for key, a in wanted.items())
    print("the same:", *(f"{n} {loaded[n].dtype.str} {loaded[n].shape}" for n in loaded.files),
          *(f"{key} {a.shape}" for key, a in entries.items()))
