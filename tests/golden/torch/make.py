#!/usr/bin/env python3
"""What PyTorch computes, for tests/unit/test_optim.c: python3 make.py > torch.h

Made with PyTorch 2.15.0, in double precision. Inputs and parameters are a rule that the C side
knows too (numbers), so that only the results are kept.
"""
import numpy as np
import torch


def numbers(n, start):
    """n numbers from -1 to 1, other ones for each start."""
    return torch.tensor([((start * 131 + i * 71) % 41) / 20 - 1 for i in range(n)], dtype=torch.float64)


def put(name, values):
    values = np.asarray(values, "float64").ravel()
    print(f"static const double {name}[] = {{")
    for i in range(0, len(values), 6):
        print("    " + " ".join(f"{v:.10g}," for v in values[i:i + 6]))
    print("};")


def adamw(decay):
    """A dense layer on five samples: its weights and biases after steps 1, 5 and 20; biases do not decay.

    PyTorch adds its epsilon to the deviation that is corrected for the first steps, Keras (and ser) before it is: the
    same where epsilon is corrected, too.
    """
    x, label = numbers(15, 0).reshape(5, 3), torch.tensor([0, 3, 1, 1, 2])
    w, b = numbers(12, 1).reshape(3, 4).requires_grad_(), numbers(4, 2).requires_grad_()
    optimiser = torch.optim.AdamW([{"params": [w], "weight_decay": decay}, {"params": [b], "weight_decay": 0}],
                                  lr=0.01, betas=(0.9, 0.999))
    after = []
    for step in range(20):
        for group in optimiser.param_groups:
            group["eps"] = 1e-7 / (1 - 0.999 ** (step + 1)) ** 0.5
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(x @ w + b, label).backward()
        optimiser.step()
        if step in (0, 4, 19):
            after += [np.concatenate([w.detach().numpy().ravel(), b.detach().numpy()])]
    return after


print("/* What PyTorch computes; made by make.py, which says how. */")
put("torch_adam", adamw(0))
put("torch_adamw", adamw(0.5))
