"""Keys and values as plain tensors: cut out of a batch, put together to one, never copied without need."""

from collections.abc import Sequence

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

KeyValues = list[tuple[torch.Tensor, torch.Tensor]]
"""Per layer the keys and the values, each of shape (rows, heads, tokens, head size)."""


def states(cache: DynamicCache) -> KeyValues:
    """What a cache holds."""
    held = []
    for layer in cache.layers:
        if not isinstance(layer, DynamicLayer) or layer.keys is None or layer.values is None:
            raise RuntimeError(f"a cache layer of the kind {type(layer).__name__}")
        held.append((layer.keys, layer.values))
    return held


def cache_of(layers: KeyValues) -> DynamicCache:
    """A cache that begins with these; it never writes into them (it grows by concatenation)."""
    cache = DynamicCache()
    for keys, values in layers:
        layer = DynamicLayer()  # type: ignore[no-untyped-call]
        layer.lazy_initialization(keys, values)
        layer.keys, layer.values = keys, values
        cache.layers.append(layer)
    return cache


def beginning(layers: KeyValues, length: int) -> KeyValues:
    """The first `length` tokens; views."""
    return [(keys[:, :, :length], values[:, :, :length]) for keys, values in layers]


def row(layers: KeyValues, index: int, length: int) -> KeyValues:
    """The last `length` tokens of one row, without its padding; copies."""
    chosen = slice(index, index + 1)
    return [(k[chosen, :, -length:].clone(), v[chosen, :, -length:].clone()) for k, v in layers]


def rows(layers: KeyValues, kept: Sequence[int], length: int) -> KeyValues:
    """Some rows, cut on the left to the longest of them."""
    chosen = list(kept)
    return [(keys[chosen, :, -length:], values[chosen, :, -length:]) for keys, values in layers]


def joined(parts: Sequence[KeyValues]) -> KeyValues:
    """Rows below each other, each padded on the left to the longest."""
    longest = max(part[0][0].shape[-2] for part in parts)
    return [
        (
            torch.cat([_left_padded(keys, longest) for keys, _ in layer]),
            torch.cat([_left_padded(values, longest) for _, values in layer]),
        )
        for layer in zip(*parts, strict=True)
    ]


def size_bytes(layers: KeyValues) -> int:
    """Memory these take."""
    return sum(keys.nbytes + values.nbytes for keys, values in layers)


def _left_padded(tensor: torch.Tensor, length: int) -> torch.Tensor:
    missing = length - tensor.shape[-2]
    return torch.nn.functional.pad(tensor, (0, 0, missing, 0)) if missing else tensor
