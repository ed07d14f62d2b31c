"""An LSTM that reads a long text in windows: its hidden state is carried from one update to the next."""

import torch
from torch import nn
from torch.nn import functional as F

WORDS = ["the", "old", "young", "cat", "dog", "bird", "sees", "hears", "follows", "and", "then"]
LETTERS = " abcdefghijklmnopqrstuvwxyz"


class Reader(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.letters = nn.Embedding(len(LETTERS), hidden)
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True)
        self.head = nn.Linear(hidden, len(LETTERS))
        self.state = None

    def forward(self, text):
        outputs, state = self.lstm(self.letters(text), self.state)
        self.state = tuple(part.detach() for part in state)
        return self.head(outputs)


def model(hidden=64):
    return Reader(hidden)


def optimizer(model, lr=2e-3):
    return torch.optim.Adam(model.parameters(), lr=lr)


def gradients(model):
    nn.utils.clip_grad_norm_(model.parameters(), 0.25)


def batches(seed, batch=16, window=20):
    """Row i of a batch goes on where row i of the batch before it ended."""
    generator = torch.Generator().manual_seed(seed)
    text = torch.empty(batch, 0, dtype=torch.long)
    while True:
        while text.shape[1] <= window:
            chosen = torch.randint(len(WORDS), (batch, window), generator=generator).tolist()
            lines = [" ".join(WORDS[number] for number in row)[: 2 * window] for row in chosen]
            letters = torch.tensor([[LETTERS.index(letter) for letter in line] for line in lines])
            text = torch.cat([text, letters], dim=1)
        yield text[:, :window], text[:, 1 : window + 1]
        text = text[:, window:]


def loss(model, batch):
    text, following = batch
    return F.cross_entropy(model(text).flatten(0, 1), following.flatten())
