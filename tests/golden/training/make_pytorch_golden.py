#!/usr/bin/env python3
"""Writes what PyTorch computes: gradients of whole networks, steps of optimisers, rates of schedules, losses, initial
values. Everything in float64 on one thread: what is left of a difference is then Beak's own rounding.

usage: make_pytorch_golden.py        needs requirements.txt and protoc
"""
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import cases
from formula import labels, uniform
from torch_network import ROOT, Evaluation, read, text_format

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
NETWORKS = cases.HERE / "networks"
DEPLOYED = ROOT / "deploy/demo/networks"
ROWS = 8  # enough that the statistics of MobileNet's last layers, of 2x2 positions, are well-conditioned
STEP_ROWS = 4
WORDS = 40  # of text_cnn
MARGIN = 5e-6  # some times what float32 makes of twenty layers


# ---------------------------------------------------------------- gradients


def narrowed(name, divisor, size=None, classes=10):
    """A network that is shipped, at its full depth with a part of its channels: its gradients make a small file."""
    network = read(DEPLOYED / f"{name}.textproto")
    network.name = f"narrow_{name.split('.')[0]}"
    if size:
        network.input[0].shape[1:] = [size, size]
    kept = [layer for layer in network.layer if layer.WhichOneof("kind") not in ("dropout", "spatial_dropout")]
    for layer in kept:
        convolution = getattr(layer, layer.WhichOneof("kind"))
        if layer.WhichOneof("kind") in ("conv2d", "separable_conv2d") and convolution.filters > 1:
            convolution.filters //= divisor
        elif layer.WhichOneof("kind") == "dense":
            convolution.units = classes if layer is kept[-1] else convolution.units // divisor
    del network.layer[:]
    network.layer.extend(kept)
    text = f"# {name}.textproto with 1/{divisor} of its channels, without dropout. Written by make_pytorch_golden.py.\n"
    path = NETWORKS / f"{network.name}.textproto"
    path.write_text(text + text_format.MessageToString(network))
    return path


def network_input(network, name, rows):
    field = network.input[0]
    shape = (rows, *field.shape)
    if field.data_type == 1:
        return torch.from_numpy(labels(name, shape, WORDS))
    return torch.from_numpy(uniform(name, math.prod(shape)).reshape(shape)).double()


def off_all_kinks(network):
    """Logits of the first input that keeps its distance."""
    for seed in range(1000):
        evaluation = Evaluation(network)
        logits = evaluation.logits(network_input(network, f"input{seed}", ROWS))
        if evaluation.margin > MARGIN:
            return seed, evaluation, logits
    raise RuntimeError(f"{network.name}: every input comes near a kink")


def gradients(path):
    network = read(path)
    seed, evaluation, logits = off_all_kinks(network)
    target = labels("labels", (ROWS, *logits.shape[2:]), logits.shape[1])
    loss = F.cross_entropy(logits, torch.from_numpy(target))
    loss.backward()
    arrays = {name: value.grad.numpy().astype(np.float32) for name, value in evaluation.parameters.items()}
    np.savez_compressed(cases.HERE / f"gradients_{network.name}.npz", loss=np.float64(loss.item()), seed=np.int64(seed),
                        **arrays)
    print(network.name, seed, loss.item(), sum(value.size for value in arrays.values()))


def all_gradients():
    gradients(DEPLOYED / "lecture_cnn.textproto")
    gradients(narrowed("resnet20_cifar", 4))
    gradients(narrowed("mobilenet_v1_1.0", 8, size=64))
    gradients(narrowed("xception_small", 4))
    gradients(narrowed("alphago_policy_128", 8))
    gradients(narrowed("maxout", 4))
    gradients(NETWORKS / "text_cnn.textproto")
    gradients(NETWORKS / "layers.textproto")


# ---------------------------------------------------------------- optimisers

OPTIMIZERS = {"sgd": torch.optim.SGD, "adagrad": torch.optim.Adagrad, "rmsprop": torch.optim.RMSprop,
              "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "adadelta": torch.optim.Adadelta}
NAMES = {"learning_rate": "lr", "epsilon": "eps", "learning_rate_decay": "lr_decay",
         "initial_accumulator": "initial_accumulator_value"}


def optimizer(case, parameters):
    options = {NAMES.get(name, name): value for name, value in case["options"].items()}
    if case["kind"] == "rmsprop" and "rho" in options:
        options["alpha"] = options.pop("rho")
    if "beta1" in options:
        options["betas"] = (options.pop("beta1"), options.pop("beta2"))
    return OPTIMIZERS[case["kind"]](parameters, **options)


def clip(case, parameters):
    if case.get("clip") == "value":
        nn.utils.clip_grad_value_(parameters, case["limit"])
    elif case.get("clip") == "norm":
        for parameter in parameters:
            nn.utils.clip_grad_norm_([parameter], case["limit"])
    elif case.get("clip") == "global_norm":
        nn.utils.clip_grad_norm_(parameters, case["limit"])


def trajectory(case):
    parameters = [torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in cases.START]
    steps = optimizer(case, parameters)
    accumulate, values = case.get("accumulate", 1), []
    for i, step in enumerate(cases.GRADIENTS):
        if "rates" in case:
            steps.param_groups[0]["lr"] = case["rates"][i]
        for parameter, gradient in zip(parameters, step):
            gradient = torch.tensor(gradient, dtype=torch.float64) / accumulate
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        if (i + 1) % accumulate == 0:
            clip(case, parameters)
            steps.step()
            steps.zero_grad()
        values.append([parameter.tolist() for parameter in parameters])
    return {**case, "values": values}


def trajectories():
    own = [{"name": "sgd_dampening", "kind": "sgd",
            "options": {"learning_rate": 0.1, "momentum": 0.9, "dampening": 0.5}},
           {"name": "adagrad_decay", "kind": "adagrad", "options": {"learning_rate": 0.1, "learning_rate_decay": 0.5}}]
    cases.write_json("optimizers_pytorch.json", {
        "start": cases.START, "gradients": cases.GRADIENTS,
        "cases": [trajectory(case) for case in cases.trajectory_cases() + own]})


# ---------------------------------------------------------------- three steps of a network

STEPS = [{"name": "sgd", "kind": "sgd", "options": {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01}},
         {"name": "adam", "kind": "adam", "options": {"learning_rate": 0.01}, "clip": "global_norm", "limit": 0.5}]


class StepsNetwork(Evaluation):
    """With the running statistics that PyTorch's own kernel keeps."""

    def batch_normalization(self, field, x):
        name = self.layer.name
        if f"{name}/moving_mean" not in self.statistics:
            self.statistics[f"{name}/moving_mean"] = torch.zeros(x.shape[1]).double()
            self.statistics[f"{name}/moving_variance"] = torch.ones(x.shape[1]).double()
        return F.batch_norm(x, self.statistics[f"{name}/moving_mean"], self.statistics[f"{name}/moving_variance"],
                            self.parameter("gamma", x.shape[1]), self.parameter("beta", x.shape[1]), training=True)


def network_steps():
    network = read(NETWORKS / "steps_pytorch.textproto")
    x = network_input(network, "input", STEP_ROWS)
    target = torch.from_numpy(labels("labels", (STEP_ROWS,), 3))
    results = []
    for case in STEPS:
        evaluation = StepsNetwork(network)
        with torch.no_grad():
            evaluation.logits(x)  # makes the parameters
        evaluation.statistics.clear()
        parameters = list(evaluation.parameters.values())
        steps, losses = optimizer(case, parameters), []
        for _ in range(3):
            steps.zero_grad()
            loss = F.cross_entropy(evaluation.logits(x), target)
            loss.backward()
            clip(case, parameters)
            steps.step()
            losses.append(loss.item())
        values = {**evaluation.parameters, **evaluation.statistics}
        results.append({**case, "losses": losses, "values": {name: v.flatten().tolist() for name, v in values.items()}})
    cases.write_json("steps_pytorch.json", results)


# ---------------------------------------------------------------- schedules

BASE = 0.4
POSITIONS = 32
Shapes = torch.optim.lr_scheduler
SCHEDULES = [
    ("step", {"every": 5, "gamma": 0.3}, lambda o: Shapes.StepLR(o, 5, 0.3)),
    ("multi_step", {"milestones": [3, 4, 20], "gamma": 0.5}, lambda o: Shapes.MultiStepLR(o, [3, 4, 20], 0.5)),
    ("exponential", {"gamma": 0.9}, lambda o: Shapes.ExponentialLR(o, 0.9)),
    ("linear", {}, Shapes.LinearLR),
    ("linear", {"start": 0.1, "end": 0.7, "length": 12}, lambda o: Shapes.LinearLR(o, 0.1, 0.7, 12)),
    ("polynomial", {}, Shapes.PolynomialLR),
    ("polynomial", {"length": 20, "power": 2.5}, lambda o: Shapes.PolynomialLR(o, 20, 2.5)),
    ("cosine", {"length": 12}, lambda o: Shapes.CosineAnnealingLR(o, 12)),
    ("cosine", {"length": 10, "end_fraction": 0.25}, lambda o: Shapes.CosineAnnealingLR(o, 10, 0.25 * BASE)),
    ("restarts", {"first_length": 7}, lambda o: Shapes.CosineAnnealingWarmRestarts(o, 7)),
    ("restarts", {"first_length": 4, "length_factor": 2, "end_fraction": 0.125},
     lambda o: Shapes.CosineAnnealingWarmRestarts(o, 4, 2, 0.125 * BASE)),
    ("one_cycle", {"length": 32}, lambda o: Shapes.OneCycleLR(o, BASE, 32)),
    ("one_cycle", {"length": 32, "rise": 0.25, "div": 10, "final_div": 50, "linear": True},
     lambda o: Shapes.OneCycleLR(o, BASE, 32, pct_start=0.25, div_factor=10, final_div_factor=50,
                                 anneal_strategy="linear")),
    ("cosine", {"length": 20, "warmup": 6, "warmup_start": 0.25},
     lambda o: Shapes.SequentialLR(o, [Shapes.LinearLR(o, 0.25, 1, 6), Shapes.CosineAnnealingLR(o, 20)], [6])),
]
METRICS = [1.0, 0.9, 0.9, 0.90001, 0.8, 0.85, 0.84, 0.83, 0.82, 0.81, 0.7999, 0.79999, 0.7, 0.75, 0.8, 0.9, 1.0, 1.1,
           0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]
PLATEAUS = [{"factor": 0.5, "patience": 2}, {"factor": 0.1, "patience": 1, "cooldown": 2, "min_rate": 0.001},
            {"factor": 0.5, "patience": 0, "goal": "max", "threshold": 0.1}]


def schedules():
    tables = []
    for kind, fields, make in SCHEDULES:
        steps = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE)
        schedule, rates = make(steps), []
        for i in range(POSITIONS):
            rates.append(steps.param_groups[0]["lr"])
            steps.step()
            if i + 1 < POSITIONS:
                schedule.step()
        tables.append({"kind": kind, "fields": fields, "rates": rates})
    plateaus = []
    for fields in PLATEAUS:
        steps = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE)
        plateau = Shapes.ReduceLROnPlateau(
            steps, mode=fields.get("goal", "min"), factor=fields["factor"], patience=fields["patience"],
            cooldown=fields.get("cooldown", 0), min_lr=fields.get("min_rate", 0),
            **({"threshold": fields["threshold"]} if "threshold" in fields else {}))
        rates = []
        for metric in METRICS:
            plateau.step(metric)
            rates.append(steps.param_groups[0]["lr"])
        plateaus.append({"fields": fields, "rates": rates})
    cases.write_json("schedules_pytorch.json",
                     {"base": BASE, "schedules": tables, "metrics": METRICS, "plateaus": plateaus})


# ---------------------------------------------------------------- losses


def losses():
    weights = [0.5, 2.0, 1.0, 0.25]
    asked = [{"kind": "softmax"}, {"kind": "softmax", "label_smoothing": 0.1},
             {"kind": "softmax", "class_weights": weights}, {"kind": "softmax", "ignore_index": 2},
             {"kind": "softmax", "class_weights": weights, "label_smoothing": 0.2, "ignore_index": 3},
             {"kind": "binary"}, {"kind": "squared"}]
    results = []
    for case in asked:
        logits = torch.tensor([cases.LOGITS], dtype=torch.float64, requires_grad=True)
        targets = torch.tensor([cases.TARGETS], dtype=torch.float64)
        if case["kind"] == "softmax":
            loss = F.cross_entropy(
                logits, torch.tensor([cases.LABELS]), ignore_index=case.get("ignore_index", -100),
                weight=torch.tensor(case["class_weights"], dtype=torch.float64) if "class_weights" in case else None,
                label_smoothing=case.get("label_smoothing", 0))
        elif case["kind"] == "binary":
            loss = F.binary_cross_entropy_with_logits(logits, targets)
        else:
            loss = F.mse_loss(logits, targets)
        loss.backward()
        results.append({**case, "loss": loss.item(), "gradient": logits.grad[0].tolist()})
    cases.write_json("losses_pytorch.json", {"logits": cases.LOGITS, "labels": cases.LABELS,
                                             "targets": cases.TARGETS, "cases": results})


# ---------------------------------------------------------------- initial values


def initial_values():
    fan = nn.init._calculate_fan_in_and_fan_out
    # role, in, out, groups, window
    modules = [(("dense", 1250, 100, 1, 1), nn.Linear(1250, 100)),
               (("convolution", 25, 50, 1, 9), nn.Conv2d(25, 50, 3)),
               (("convolution", 8, 12, 4, 9), nn.Conv2d(8, 12, 3, groups=4)),
               (("convolution", 64, 256, 1, 9), nn.Conv2d(64, 256, 3)),
               (("depthwise", 8, 24, 1, 9), nn.Conv2d(8, 24, 3, groups=8)),
               (("transposed", 8, 12, 1, 9), nn.ConvTranspose2d(8, 12, 3)),
               (("transposed", 8, 12, 4, 9), nn.ConvTranspose2d(8, 12, 3, groups=4))]
    fans = [{"geometry": geometry, "fans": fan(module.weight)} for geometry, module in modules]
    torch.manual_seed(1)
    shape = (256, 576)
    wanted = [("default", lambda w: w.copy_(nn.Linear(576, 256).weight)),
              ("glorot_uniform", nn.init.xavier_uniform_), ("glorot_normal", nn.init.xavier_normal_),
              ("he_uniform", lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu")),
              ("he_normal", lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")),
              ("he_normal_fan_out", lambda w: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu")),
              ("orthogonal", lambda w: nn.init.orthogonal_(w, 1.5)),
              ("embedding", lambda w: w.copy_(nn.Embedding(256, 576).weight))]
    moments = []
    with torch.no_grad():
        for name, fill in wanted:
            weight = torch.empty(shape)
            fill(weight)
            moments.append({"name": name, "stddev": weight.double().std().item(), "largest": weight.abs().max().item()})
    gains = {name: nn.init.calculate_gain(name) for name in ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu")}
    cases.write_json("initializers_pytorch.json", {"fans": fans, "shape": shape, "moments": moments, "gains": gains})


all_gradients()
trajectories()
network_steps()
schedules()
losses()
initial_values()
