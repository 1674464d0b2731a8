"""What both frameworks are asked: the cases that one flavour has and the other lacks are in its own script."""
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent

# Two parameters and their gradients at each of three steps: large and small, of both signs, far enough from an epsilon
# and near to it; values are small, so that an error in a step shows.
START = [[0.125, -0.0625, 0.03125, 0.25], [-0.015625, 0.0078125, 0.5, -0.125, 0.001953125, 0.75]]
GRADIENTS = [
    [[0.5, -0.25, 1e-6, 3.0], [-1e-3, 0.02, -0.75, 1e-7, 0.3, -0.004]],
    [[-0.25, -0.5, 2e-6, -1.5], [1e-4, 0.01, 0.5, -1e-7, 0.0, 0.004]],
    [[0.1, 0.75, -3e-6, 0.125], [5e-3, -0.04, 0.25, 1e-6, -0.2, 0.0]],
]
RATES = [0.1, 0.05, 0.02]  # where the learning rate changes from step to step

# The fields are OptimizerOptions', and only those that are not the framework's default.
OPTIMIZERS = [
    ("sgd", "sgd", {}),
    ("sgd_momentum", "sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    ("sgd_nesterov", "sgd", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("sgd_weight_decay", "sgd", {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    ("adagrad", "adagrad", {}),
    ("adagrad_weight_decay", "adagrad", {"learning_rate": 0.05, "initial_accumulator": 0.5, "weight_decay": 0.02}),
    ("rmsprop", "rmsprop", {}),
    ("rmsprop_momentum", "rmsprop", {"momentum": 0.9}),
    ("rmsprop_centered", "rmsprop", {"centered": True}),
    ("rmsprop_all", "rmsprop", {"rho": 0.8, "momentum": 0.5, "centered": True, "epsilon": 1e-5, "weight_decay": 0.01}),
    ("adam", "adam", {}),
    ("adam_all", "adam", {"learning_rate": 0.01, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4}),
    ("adam_amsgrad", "adam", {"amsgrad": True}),
    ("adam_weight_decay", "adam", {"weight_decay": 0.01}),
    ("adamw", "adamw", {}),
    ("adamw_amsgrad", "adamw", {"amsgrad": True, "weight_decay": 0.1}),
    ("adadelta", "adadelta", {}),
    ("adadelta_all", "adadelta", {"learning_rate": 0.5, "rho": 0.8, "epsilon": 1e-4, "weight_decay": 0.01}),
]
CHANGING_RATES = [("sgd_momentum", "sgd", {"momentum": 0.9}),
                  ("sgd_nesterov", "sgd", {"momentum": 0.9, "nesterov": True}),
                  ("rmsprop_momentum", "rmsprop", {"momentum": 0.9}), ("adam", "adam", {}), ("adamw", "adamw", {})]
CLIPS = [("value", 0.1), ("norm", 0.5), ("global_norm", 0.5), ("global_norm", 100.0)]


def trajectory_cases():
    cases = [{"name": name, "kind": kind, "options": options} for name, kind, options in OPTIMIZERS]
    for name, kind, options in CHANGING_RATES:
        cases.append({"name": f"{name}_changing_rate", "kind": kind, "options": options, "rates": RATES})
    for clip, limit in CLIPS:
        cases.append({"name": f"clip_{clip}_{limit}", "kind": "sgd",
                      "options": {"learning_rate": 0.1, "momentum": 0.9}, "clip": clip, "limit": limit})
    cases.append({"name": "accumulate", "kind": "adam", "options": {"learning_rate": 0.1}, "accumulate": 3})
    return cases


# Logits [classes, positions], with what is expected there.
LOGITS = [[2.0, -1.0, 0.5, 30.0, 0.0], [1.0, 0.25, -2.0, -30.0, 0.0], [0.1, 3.0, 0.5, 0.0, 0.0],
          [-4.0, 0.75, 0.5, 1.0, 0.0]]
LABELS = [0, 3, 2, 1, 2]
TARGETS = [[0.0, 1.0, 0.5, 1.0, 0.25], [1.0, 0.0, 0.125, 1.0, 0.0], [0.5, 1.0, 0.0, 0.0, 1.0],
           [0.0, 0.75, 1.0, 0.5, 0.5]]


def write_json(name, contents):
    (HERE / name).write_text(json.dumps(contents, indent=1, default=float) + "\n")
