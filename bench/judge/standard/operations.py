"""What operations do to their results: which round, which add up many terms, and by how much that may move a result."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload


def _names(text: str) -> frozenset[str]:
    """Names of operations, as in ATen without "_foreach_" before and "_" behind."""
    return frozenset(text.split())


COPYING = _names("""
    _unsafe_view _reshape_alias clone copy _to_copy _to_dense _to_sparse lift lift_fresh contiguous cat stack repeat tile roll
    flip rot90 index index_select gather scatter index_copy index_fill take put masked_select masked_scatter masked_fill where
    tril triu diag_embed constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d im2col embedding
    unfold select_scatter slice_scatter as_strided_scatter split_with_sizes_copy sort topk kthvalue mode median nanmedian unique
    _unique2 set resize sparse_coo_tensor _sparse_coo_tensor_with_dims_and_tensors _sparse_coo_tensor_unsafe sparse_mask
    _pack_padded_sequence _pad_packed_sequence pixel_shuffle pixel_unshuffle channel_shuffle
""")
FILLING = _names("""
    zero zeros zeros_like ones ones_like full full_like fill empty empty_like empty_strided new_zeros new_ones new_full
    new_empty new_empty_strided scalar_tensor arange eye
""")
CHOOSING = _names("""
    relu threshold threshold_backward neg abs sign sgn maximum minimum max min amax amin aminmax clamp clamp_min clamp_max
    hardtanh hardtanh_backward cummax cummin max_pool2d_with_indices max_pool3d_with_indices max_pool2d_with_indices_backward
    adaptive_max_pool2d adaptive_max_pool3d floor ceil round trunc eq ne lt le gt ge isnan isinf argmax argmin bincount histc
    bucketize searchsorted one_hot nonzero logical_and logical_or logical_not bitwise_and bitwise_or bitwise_not ldexp frexp
    nan_to_num
""")
DRAWING = _names("""
    rand rand_like randn randn_like randint randint_like randperm normal uniform bernoulli exponential random multinomial
    poisson geometric log_normal cauchy native_dropout _fused_dropout rrelu_with_noise
""")
EXACT = COPYING | FILLING | CHOOSING | DRAWING  # operations that return a view are not here: their schemas say so

PRODUCTS = _names("mm bmm mv dot vdot addmm baddbmm addbmm addmv linear _sparse_mm _sparse_addmm inner")
CONVOLUTIONS = _names("""
    convolution convolution_overrideable _convolution mkldnn_convolution convolution_backward convolution_backward_overrideable
""")
BATCH_NORMS = _names("""
    native_batch_norm native_batch_norm_backward _native_batch_norm_legit _native_batch_norm_legit_no_training
    _batch_norm_with_update batch_norm_backward cudnn_batch_norm cudnn_batch_norm_backward
""")
ROW_NORMS = _names("""
    native_layer_norm native_layer_norm_backward native_group_norm native_group_norm_backward _fused_rms_norm
    _fused_rms_norm_backward
""")
ROWS = _names("""
    _softmax _softmax_backward_data _log_softmax _log_softmax_backward_data logsumexp cumsum cumprod logcumsumexp
""")
ATTENTION = "_scaled_dot_product_"
RECURRENT = _names("mkldnn_rnn_layer mkldnn_rnn_layer_backward _cudnn_rnn _cudnn_rnn_backward")
SCATTERED = _names("index_add scatter_add scatter_reduce index_reduce index_put _index_put_impl _unsafe_index_put")
SUMS = SCATTERED | _names("""
    sum nansum mean norm linalg_vector_norm native_norm var std var_mean std_mean prod trace mse_loss smooth_l1_loss huber_loss
    binary_cross_entropy binary_cross_entropy_with_logits nll_loss_forward nll_loss2d_forward kl_div cdist _cdist_forward pdist
    avg_pool2d adaptive_avg_pool2d _adaptive_avg_pool2d segment_reduce embedding_dense_backward embedding_bag _embedding_bag
    col2im
""")
PLAIN_SUM = 3  # units by which a sum moves at least: it is rounded more than once
SHARE = 0.25  # of sqrt(n) units, for n terms: one after another in generated code, in pairs in eager's
MOST = 1 << 14  # units, what a random 16-bit number resolves


@cache
def base_name(operation: OpOverload) -> str:
    """An operation's name without its namespace and variant: "_foreach_add_.List" is "add", like "add_.Tensor"."""
    name = str(operation._schema.name).partition("::")[2].removeprefix("_foreach_")
    return name if name.endswith("__") else name.removesuffix("_")


@dataclass(frozen=True)
class Moves:
    """By how many units in the last place a result may move, at most.

    own     each number for itself
    common  all numbers together that share a sum, as the numbers of a channel share their mean
    shape   of the numbers of the latter, one for each such sum; () where there are none
    """

    own: int
    common: int = 0
    shape: tuple[int, ...] = ()


def moves_of(name: str, arguments: Sequence[Any], result: Tensor) -> Moves:
    """By how much a result may move: by 1 unit, or more where it is a sum or shares one."""
    terms = terms_of(name, [argument for argument in tensors_in(arguments) if argument.is_floating_point()], result)
    if terms is None or result.dtype.itemsize < 4:  # sums in half precision are added up in float32 and rounded once
        return Moves(1)
    width = min(MOST, max(PLAIN_SUM, int(SHARE * math.sqrt(terms))))
    if result.dim() > 1 and name in BATCH_NORMS:
        return Moves(PLAIN_SUM, width, (1, result.shape[1], *[1] * (result.dim() - 2)))
    if result.dim() > 1 and name in ROW_NORMS | ROWS:
        return Moves(PLAIN_SUM, width, (*result.shape[:-1], 1))
    return Moves(width)


def terms_of(name: str, inputs: Sequence[Tensor], result: Tensor) -> float | None:
    """The number of terms that are added up for one number of a result; None where an operation adds up nothing."""
    count = _counter(name)
    if count is None:
        return None
    return max(1.0, count(inputs, result)) if inputs else 1.0


def _counter(name: str) -> Callable[[Sequence[Tensor], Tensor], float] | None:
    for names, count in (
        (PRODUCTS, _terms_of_product),
        (CONVOLUTIONS, _terms_of_convolution),
        (BATCH_NORMS, _terms_of_batch_norm),
        (ROW_NORMS, _terms_of_row_norm),
        (ROWS, _terms_of_row),
        (RECURRENT, _terms_of_recurrence),
        (SUMS, _terms_of_sum),
    ):
        if name in names:
            return count
    return _terms_of_row if name.startswith(ATTENTION) else None


def _terms_of_product(inputs: Sequence[Tensor], result: Tensor) -> float:
    """Columns of the first factor, which is the last tensor but one; entries a row where it is sparse."""
    factor = inputs[-2] if len(inputs) > 1 else inputs[0]
    return factor._nnz() / factor.shape[0] if factor.layout != torch.strided else factor.shape[-1]


def _terms_of_convolution(inputs: Sequence[Tensor], result: Tensor) -> float:
    """Products of every input channel and place of the kernel; or of the whole batch, for the gradient of a weight."""
    kernels = [tensor for tensor in inputs if tensor.dim() > 2]
    kernel = kernels[-1] if kernels else inputs[-1]
    if result.shape == kernel.shape or result.dim() == 1:
        return kernels[0].numel() / kernels[0].shape[1]
    return kernel.numel() / min(kernel.shape[:2])


def _terms_of_batch_norm(inputs: Sequence[Tensor], result: Tensor) -> float:
    """All numbers of a channel."""
    return inputs[0].numel() / inputs[0].shape[1]


def _terms_of_row_norm(inputs: Sequence[Tensor], result: Tensor) -> float:
    """All numbers of a row; or all rows, for the gradient of a weight."""
    row = inputs[0].shape[-1]
    return row if result.numel() > row else inputs[0].numel() / row


def _terms_of_row(inputs: Sequence[Tensor], result: Tensor) -> float:
    return max(inputs[0].shape, default=1)


def _terms_of_recurrence(inputs: Sequence[Tensor], result: Tensor) -> float:
    return max(max(tensor.shape, default=1) for tensor in inputs)


def _terms_of_sum(inputs: Sequence[Tensor], result: Tensor) -> float:
    return max(tensor.numel() for tensor in inputs) / max(1, result.numel())


def tensors_in(values: Any) -> Iterator[Tensor]:
    """The tensors in nested tuples and lists, as the arguments and results of operations are."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (tuple, list)):
        for value in values:
            yield from tensors_in(value)
