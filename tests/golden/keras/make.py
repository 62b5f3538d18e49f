#!/usr/bin/env python3
"""What Keras computes, for tests/unit/test_keras.c: python3 make.py > keras.h

Made with Keras 3.15.1 on TensorFlow 2.21.0. Inputs and parameters are a rule that the C side knows
too (numbers), so that only Keras' results are kept.
"""
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
import keras
import numpy as np


def numbers(n, start):
    """n numbers from -1 to 1, other ones for each start."""
    return np.array([((start * 131 + i * 71) % 41 - 20) / 20 for i in range(n)], "float32")


def put(name, values):
    values = np.asarray(values, "float64").ravel()
    print(f"static const double {name}[] = {{")
    for i in range(0, len(values), 6):
        print("    " + " ".join(f"{v:.9g}," for v in values[i:i + 6]))
    print("};")


def rows(layer, steps, channels):
    """The layer's output for one sequence; its weights are numbers, each array from its place on."""
    x = keras.Input((steps, channels))
    y = layer([x, x]) if isinstance(layer, keras.layers.Attention) else layer(x)
    model = keras.Model(x, y)
    model.set_weights([numbers(w.size, i + 1).reshape(w.shape) for i, w in enumerate(model.get_weights())])
    return model.predict(numbers(steps * channels, 0).reshape(1, steps, channels), verbose=0)[0]


def softmax_model():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    model.set_weights([numbers(12, 1).reshape(3, 4), numbers(4, 2)])
    return model


def main():
    print("/* What Keras computes; made by make.py, which says how. */")
    put("keras_lstm", rows(keras.layers.LSTM(3, return_sequences=True), 5, 2))
    put("keras_bilstm", rows(keras.layers.Bidirectional(keras.layers.LSTM(2, return_sequences=True)), 5, 2))
    put("keras_attention", rows(keras.layers.Attention(), 5, 2))

    x, label = numbers(15, 0).reshape(5, 3), np.eye(4, dtype="float32")[[0, 3, 1, 1, 2]]
    logits = softmax_model()(x)
    for smoothing in (0, 0.1):
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
        put(f"keras_loss_{int(smoothing * 10)}", [float(loss(label, logits))])

    model = softmax_model()
    model.compile(keras.optimizers.Adam(0.05), keras.losses.CategoricalCrossentropy(from_logits=True))
    after = []
    for step in range(4):
        model.train_on_batch(x, label)
        after += [np.concatenate([w.ravel() for w in model.get_weights()])]
    put("keras_adam", after)

    # The callbacks: 30 epochs of losses and accuracies that wander, and tie.
    out = []
    for run in range(4):
        stop = keras.callbacks.EarlyStopping("val_loss", patience=6)
        plateau = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=2, min_lr=0.01)
        model = softmax_model()
        model.compile(keras.optimizers.Adam(0.05), "mse")
        for c in (stop, plateau):
            c.set_model(model)
            c.on_train_begin()
        model.stop_training = False
        best = -1.0
        for epoch in range(30):
            logs = {"val_loss": float(numbers(31, run)[epoch] / 4 + 2 - 0.02 * epoch * (run % 2)),
                    "val_accuracy": float(numbers(31, run + 9)[epoch] / 2 + 0.5)}
            used = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
            for c in (stop, plateau):
                c.on_epoch_end(epoch, logs)
            better = logs["val_accuracy"] > best  # ModelCheckpoint, save_best_only, mode max
            best = max(best, logs["val_accuracy"])
            out += [run, epoch + 1, used, better, model.stop_training]
            if model.stop_training:
                break
    put("keras_callbacks", out)


main()
