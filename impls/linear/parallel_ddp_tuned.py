"""Several processes, each with its rows: DistributedDataParallel with one bucket, a static graph and no copies."""

from impls.linear.parallel_ddp import ParallelDDP


class ParallelDDPTuned(ParallelDDP):
    """The gradients lie in the bucket that goes around; buffers, of which there are none, are not sent."""

    options = {  # noqa: RUF012 - as the class that it is built on has it
        "static_graph": True,
        "gradient_as_bucket_view": True,
        "bucket_cap_mb": 1 << 20,
        "broadcast_buffers": False,
    }
