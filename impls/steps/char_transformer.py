"""A small transformer that learns sums written as text, "17+25=42;", one character after the other."""

import math

import torch
from torch import nn

CHARACTERS = "0123456789+=;"


class Transformer(nn.Module):
    def __init__(self, width, layers, heads, context):
        super().__init__()
        self.characters = nn.Embedding(len(CHARACTERS), width)
        self.positions = nn.Embedding(context, width)
        block = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, len(CHARACTERS), bias=False)
        self.head.weight = self.characters.weight  # tied
        nn.init.normal_(self.head.weight, std=0.02)

    def forward(self, text):
        x = self.characters(text) + self.positions(torch.arange(text.shape[1], device=text.device))
        mask = nn.Transformer.generate_square_subsequent_mask(text.shape[1], x.device, x.dtype)
        return self.head(self.blocks(x, mask, is_causal=True))


def model(width=64, layers=2, heads=4, context=32):
    return Transformer(width, layers, heads, context)


def optimizer(model, lr=1e-3):
    parameters = list(model.parameters())
    matrices = {"params": [parameter for parameter in parameters if parameter.dim() > 1], "weight_decay": 0.1}
    vectors = {"params": [parameter for parameter in parameters if parameter.dim() < 2], "weight_decay": 0.0}
    return torch.optim.AdamW([matrices, vectors], lr=lr)


def schedule(optimizer, number, decay=10_000):
    cosine = math.cos(math.pi * min(number / decay, 1.0))
    for group in optimizer.param_groups:
        group["lr"] = optimizer.defaults["lr"] * (0.55 + 0.45 * cosine)


def gradients(model):
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)


def batches(seed, batch=4, context=32):
    generator = torch.Generator().manual_seed(seed)
    while True:
        terms = torch.randint(100, (batch, context, 2), generator=generator).tolist()
        texts = ["".join(f"{a}+{b}={a + b};" for a, b in row) for row in terms]
        yield torch.tensor([[CHARACTERS.index(character) for character in text[: context + 1]] for text in texts])


def loss(model, batch):
    return nn.functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
