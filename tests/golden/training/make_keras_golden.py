#!/usr/bin/env python3
"""Writes what Keras computes (TensorFlow is its backend): steps of optimisers, rates of schedules, losses, initial
values. Everything in float64: what is left of a difference is then Beak's own rounding.

usage: make_keras_golden.py        needs requirements.txt
"""
import math
import os
import types

os.environ.update(KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3")

import keras
import numpy as np
import tensorflow as tf
from keras import initializers, layers, optimizers
from keras.src.initializers.random_initializers import compute_fans

import cases
from formula import labels, parameter, uniform

keras.config.set_floatx("float64")
STEP_ROWS = 4

# ---------------------------------------------------------------- optimisers

OPTIMIZERS = {"sgd": optimizers.SGD, "adagrad": optimizers.Adagrad, "rmsprop": optimizers.RMSprop,
              "adam": optimizers.Adam, "adamw": optimizers.AdamW, "adadelta": optimizers.Adadelta}
NAMES = {"beta1": "beta_1", "beta2": "beta_2", "initial_accumulator": "initial_accumulator_value"}
CLIPS = {"value": "clipvalue", "norm": "clipnorm", "global_norm": "global_clipnorm"}


def optimizer(case):
    options = {NAMES.get(name, name): value for name, value in case["options"].items()}
    if "clip" in case:
        options[CLIPS[case["clip"]]] = case["limit"]
    if "accumulate" in case:
        options["gradient_accumulation_steps"] = case["accumulate"]
    if "average" in case:
        options.update(use_ema=True, ema_momentum=case["average"])
    return OPTIMIZERS[case["kind"]](**options)


def trajectory(case):
    variables = [keras.Variable(np.array(values), name=f"p{i}") for i, values in enumerate(cases.START)]
    steps = optimizer(case)
    if "excluded" in case:
        steps.exclude_from_weight_decay([variables[i] for i in case["excluded"]])
    steps.build(variables)
    values, averages = [], []
    for i, gradients in enumerate(cases.GRADIENTS):
        if "rates" in case:
            steps.learning_rate = case["rates"][i]
        steps.apply([tf.constant(gradient, tf.float64) for gradient in gradients])
        values.append([variable.numpy().tolist() for variable in variables])
        if "average" in case:
            averages.append([average.numpy().tolist() for average in steps._model_variables_moving_average])
    return {**case, "values": values, **({"averages": averages} if averages else {})}


def trajectories():
    own = [{"name": "weight_decay_excluded", "kind": "adamw", "options": {"learning_rate": 0.1, "weight_decay": 0.1},
            "excluded": [1]},
           {"name": "average", "kind": "sgd", "options": {"learning_rate": 0.1}, "average": 0.75}]
    cases.write_json("optimizers_keras.json", {
        "start": cases.START, "gradients": cases.GRADIENTS,
        "cases": [trajectory(case) for case in cases.trajectory_cases() + own]})


# ---------------------------------------------------------------- three steps of a network

STEPS = [{"name": "nesterov", "kind": "sgd", "clip": "norm", "limit": 0.5,
          "options": {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}},
         {"name": "adam", "kind": "adam", "options": {"learning_rate": 0.01}}]


def to_keras(value):
    """Ours is [out, in, ...]; theirs [..., in, out]."""
    return value if value.ndim < 2 else np.moveaxis(value, (0, 1), (-1, -2))


def from_keras(value):
    return value if value.ndim < 2 else np.moveaxis(value, (-1, -2), (0, 1))


def steps_network():
    """networks/steps_keras.textproto."""
    model = keras.Sequential([
        layers.Input((6, 5, 2)), layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv"),
        layers.BatchNormalization(name="norm"), layers.ReLU(),
        layers.Conv2D(5, 3, strides=2, activation="tanh", name="down"), layers.BatchNormalization(name="norm2"),
        layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax", name="dense")])
    for layer in model.layers:
        for variable in layer.trainable_variables:
            shape = from_keras(variable.numpy()).shape
            variable.assign(to_keras(parameter(f"{layer.name}/{variable.name}", shape).astype(np.float64)))
    return model


def network_steps():
    shape = (STEP_ROWS, 2, 6, 5)
    x = np.moveaxis(uniform("input", math.prod(shape)).reshape(shape).astype(np.float64), 1, -1)
    target = labels("labels", (STEP_ROWS,), 3)
    loss_of = keras.losses.SparseCategoricalCrossentropy()
    results = []
    for case in STEPS:
        model, steps, losses = steps_network(), optimizer(case), []
        for _ in range(3):
            with tf.GradientTape() as tape:
                loss = loss_of(target, model(x, training=True))
            variables = model.trainable_variables
            steps.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
            losses.append(float(loss))
        values = {f"{layer.name}/{variable.name}": from_keras(variable.numpy()).flatten().tolist()
                  for layer in model.layers for variable in layer.variables if "seed" not in variable.name}
        results.append({**case, "losses": losses, "values": values})
    cases.write_json("steps_keras.json", results)


# ---------------------------------------------------------------- schedules

BASE = 0.4
POSITIONS = 32
Shapes = optimizers.schedules
SCHEDULES = [
    ("piecewise", {"boundaries": [3, 10], "rates": [0.2, 0.05]},
     lambda: Shapes.PiecewiseConstantDecay([3, 10], [BASE, 0.2, 0.05])),
    ("exponential", {"gamma": 0.8, "every": 4}, lambda: Shapes.ExponentialDecay(BASE, 4, 0.8)),
    ("exponential", {"gamma": 0.8, "every": 4, "staircase": True},
     lambda: Shapes.ExponentialDecay(BASE, 4, 0.8, staircase=True)),
    ("polynomial", {"length": 20, "end_rate": 1e-4}, lambda: Shapes.PolynomialDecay(BASE, 20)),
    ("polynomial", {"length": 12, "end_rate": 0.1, "power": 0.5},
     lambda: Shapes.PolynomialDecay(BASE, 12, 0.1, power=0.5)),
    ("cosine", {"length": 20}, lambda: Shapes.CosineDecay(BASE, 20)),
    ("cosine", {"length": 20, "end_fraction": 0.25, "warmup": 6, "warmup_start": 0.125},
     lambda: Shapes.CosineDecay(0.125 * BASE, 20, 0.25, warmup_target=BASE, warmup_steps=6)),
    ("restarts", {"first_length": 4, "length_factor": 2}, lambda: Shapes.CosineDecayRestarts(BASE, 4)),
    ("restarts", {"first_length": 6, "length_factor": 1, "peak_factor": 0.5, "end_fraction": 0.125},
     lambda: Shapes.CosineDecayRestarts(BASE, 6, t_mul=1.0, m_mul=0.5, alpha=0.125)),
    ("restarts", {"first_length": 4, "length_factor": 1.5, "peak_factor": 0.75},
     lambda: Shapes.CosineDecayRestarts(BASE, 4, t_mul=1.5, m_mul=0.75)),
]
METRICS = [1.0, 0.9, 0.9, 0.90001, 0.8, 0.85, 0.84, 0.83, 0.82, 0.81, 0.7999, 0.79999, 0.7, 0.75, 0.8, 0.9, 1.0, 1.1,
           0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]
PLATEAUS = [{"factor": 0.5, "patience": 2}, {"factor": 0.1, "patience": 1, "cooldown": 2, "min_rate": 0.001},
            {"factor": 0.5, "patience": 3, "goal": "max", "threshold": 0.1}]


def schedules():
    tables = [{"kind": kind, "fields": fields, "rates": [float(make()(i)) for i in range(POSITIONS)]}
              for kind, fields, make in SCHEDULES]
    plateaus = []
    for fields in PLATEAUS:
        plateau = keras.callbacks.ReduceLROnPlateau(
            monitor="metric", mode=fields.get("goal", "min"), factor=fields["factor"], patience=fields["patience"],
            cooldown=fields.get("cooldown", 0), min_lr=fields.get("min_rate", 0),
            **({"min_delta": fields["threshold"]} if "threshold" in fields else {}))
        model = types.SimpleNamespace(optimizer=optimizers.SGD(BASE))
        plateau.set_model(model)
        plateau.on_train_begin()
        rates = []
        for epoch, metric in enumerate(METRICS):
            plateau.on_epoch_end(epoch, {"metric": metric})
            rates.append(float(model.optimizer.learning_rate))
        plateaus.append({"fields": fields, "rates": rates})
    cases.write_json("schedules_keras.json",
                     {"base": BASE, "schedules": tables, "metrics": METRICS, "plateaus": plateaus})


# ---------------------------------------------------------------- losses


def losses():
    asked = [{"kind": "softmax"}, {"kind": "softmax", "label_smoothing": 0.1}, {"kind": "binary"}, {"kind": "squared"}]
    results = []
    for case in asked:
        logits, targets = tf.Variable([cases.LOGITS], dtype=tf.float64), tf.constant([cases.TARGETS], tf.float64)
        with tf.GradientTape() as tape:
            rows = tf.transpose(logits, (0, 2, 1))  # classes last
            if case["kind"] == "softmax":
                loss = keras.losses.CategoricalCrossentropy(True, case.get("label_smoothing", 0.0))(
                    tf.one_hot([cases.LABELS], len(cases.LOGITS), dtype=tf.float64), rows)
            elif case["kind"] == "binary":
                loss = keras.losses.BinaryCrossentropy(True)(tf.transpose(targets, (0, 2, 1)), rows)
            else:
                loss = keras.losses.MeanSquaredError()(tf.transpose(targets, (0, 2, 1)), rows)
        results.append({**case, "loss": float(loss), "gradient": tape.gradient(loss, logits)[0].numpy().tolist()})
    cases.write_json("losses_keras.json", {"logits": cases.LOGITS, "labels": cases.LABELS, "targets": cases.TARGETS,
                                           "cases": results})


# ---------------------------------------------------------------- initial values


def initial_values():
    def kernel(layer, *shape):
        layer.build((None, *shape))
        return layer.kernel.shape

    # role, in, out, groups, window
    shapes = [(("dense", 1250, 100, 1, 1), kernel(layers.Dense(100), 1250)),
              (("convolution", 25, 50, 1, 9), kernel(layers.Conv2D(50, 3), 9, 9, 25)),
              (("convolution", 8, 12, 4, 9), kernel(layers.Conv2D(12, 3, groups=4), 9, 9, 8)),
              (("convolution", 64, 256, 1, 9), kernel(layers.Conv2D(256, 3), 9, 9, 64)),
              (("depthwise", 8, 24, 1, 9), kernel(layers.DepthwiseConv2D(3, depth_multiplier=3), 9, 9, 8)),
              (("transposed", 8, 12, 1, 9), kernel(layers.Conv2DTranspose(12, 3), 9, 9, 8))]
    fans = [{"geometry": geometry, "fans": compute_fans(shape)} for geometry, shape in shapes]
    embedding = layers.Embedding(256, 576)
    embedding.build()
    wanted = [("default", layers.Dense(1).kernel_initializer), ("glorot_uniform", initializers.GlorotUniform(seed=1)),
              ("glorot_normal", initializers.GlorotNormal(seed=1)), ("he_uniform", initializers.HeUniform(seed=1)),
              ("he_normal", initializers.HeNormal(seed=1)), ("lecun_uniform", initializers.LecunUniform(seed=1)),
              ("lecun_normal", initializers.LecunNormal(seed=1)),
              ("orthogonal", initializers.Orthogonal(gain=1.5, seed=1)), ("embedding", embedding.embeddings_initializer)]
    moments = []
    for name, fill in wanted:
        weight = np.asarray(fill((576, 256), dtype="float64"))
        moments.append({"name": name, "stddev": float(weight.std()), "largest": float(np.abs(weight).max())})
    cases.write_json("initializers_keras.json", {"fans": fans, "shape": [256, 576], "moments": moments})


keras.utils.set_random_seed(1)
trajectories()
network_steps()
schedules()
losses()
initial_values()
