"""A graph network: the nodes of a few groups are told apart by their neighbours, over a sparse adjacency matrix."""

import torch
from torch import nn
from torch.nn import functional as F


class GraphNet(nn.Module):
    def __init__(self, features, hidden, groups):
        super().__init__()
        self.first = nn.Linear(features, hidden)
        self.second = nn.Linear(hidden, groups)

    def forward(self, features, adjacency):
        hidden = F.relu(torch.sparse.mm(adjacency, self.first(features)))
        return torch.sparse.mm(adjacency, self.second(hidden))


def model(features=32, hidden=16, groups=7):
    return GraphNet(features, hidden, groups)


def optimizer(model, lr=0.01):
    return torch.optim.Adam(model.parameters(), lr=lr, weight_decay=5e-4)


def batches(seed, nodes=1000, edges=8, features=32, groups=7):
    """One graph: each node has about `edges` neighbours, most of them of its own group; a tenth have a label."""
    generator = torch.Generator().manual_seed(seed)
    group = torch.arange(nodes) % groups
    start = torch.arange(nodes).repeat(edges // 2)
    near = (start + groups * torch.randint(1, nodes // groups, start.shape, generator=generator)) % nodes
    far = torch.randint(nodes, start.shape, generator=generator)
    end = torch.where(torch.rand(start.shape, generator=generator) < 0.8, near, far)

    loops = torch.arange(nodes).repeat(2, 1)
    pairs = torch.cat([torch.stack([start, end]), torch.stack([end, start]), loops], dim=1)
    neighbours = torch.bincount(pairs[0], minlength=nodes).float()
    weights = (neighbours[pairs[0]] * neighbours[pairs[1]]).rsqrt()
    adjacency = torch.sparse_coo_tensor(pairs, weights, (nodes, nodes), check_invariants=True).coalesce()

    batch = {
        "features": F.one_hot(group, features).float() + torch.randn(nodes, features, generator=generator),
        "adjacency": adjacency,
        "group": group,
        "labelled": torch.rand(nodes, generator=generator) < 0.1,
    }
    while True:
        yield batch


def loss(model, batch):
    scores = model(batch["features"], batch["adjacency"])
    losses = F.cross_entropy(scores, batch["group"], reduction="none")
    return (losses * batch["labelled"]).sum() / batch["labelled"].sum()
