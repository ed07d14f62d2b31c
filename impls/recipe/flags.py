"""The global settings of torch that a step or an arm may change. Loads torch."""

import torch


def global_flags() -> dict[str, object]:
    """The process-wide settings of torch that change what other code computes or how fast."""
    return {
        "default dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "gradient mode": torch.is_grad_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "float32 matmul precision": torch.get_float32_matmul_precision(),
        "cudnn benchmark": torch.backends.cudnn.benchmark,
        "anomaly detection": torch.is_anomaly_enabled(),
    }
