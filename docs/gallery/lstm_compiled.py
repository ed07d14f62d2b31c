"""nn.LSTM and torch.compile: the LSTM is left out of the graph, so what is called compiled runs eagerly.

Asked in pytorch/pytorch issues 158007 and 171853. `way_cells` writes the cell as a loop, which can be compiled.

    python -m bench run docs/gallery/lstm_compiled.py --rewrite 'compile*'
"""

import torch
from torch import nn


def model(width=64):
    return nn.LSTM(width, width, batch_first=True)


def optimizer(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches(seed, batch=32, length=8, width=64):
    generator = torch.Generator().manual_seed(seed)
    while True:
        inputs = torch.randn(batch, length, width, generator=generator)
        yield inputs, inputs.cumsum(dim=1).tanh()


def loss(model, batch):
    inputs, targets = batch
    outputs, _ = model(inputs)
    return nn.functional.mse_loss(outputs, targets)


def loss_by_cells(batch, input_weight, hidden_weight, input_bias, hidden_bias):
    inputs, targets = batch
    hidden = memory = inputs.new_zeros(len(inputs), hidden_weight.shape[1])
    from_inputs = nn.functional.linear(inputs, input_weight, input_bias)
    outputs = []
    for moment in range(inputs.shape[1]):
        gates = from_inputs[:, moment] + nn.functional.linear(hidden, hidden_weight, hidden_bias)
        entry, keep, candidate, exit_gate = gates.chunk(4, dim=1)
        memory = keep.sigmoid() * memory + entry.sigmoid() * candidate.tanh()
        hidden = exit_gate.sigmoid() * memory.tanh()
        outputs.append(hidden)
    return nn.functional.mse_loss(torch.stack(outputs, dim=1), targets)


loss_by_compiled_cells = torch.compile(loss_by_cells)


def trained(loss, model, optimizer, batch):
    optimizer.zero_grad()
    value = loss(batch, *model.parameters())  # a compiled function that is given the nn.LSTM itself runs eagerly
    value.backward()
    optimizer.step()
    return value.detach()


def way_cells(model, optimizer, batch):
    return trained(loss_by_cells, model, optimizer, batch)


def way_compiled_cells(model, optimizer, batch):
    return trained(loss_by_compiled_cells, model, optimizer, batch)
