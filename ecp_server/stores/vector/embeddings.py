"""Texts as vectors, near to each other where the texts are near in meaning."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Matrix = NDArray[np.float32]


class Embeddings(Protocol):
    """A model that embeds texts."""

    @property
    def model(self) -> str:
        """Return the model's name: vectors of one name can be compared."""

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """Return a row of length 1 for each text, or a row of zeros for a text that says nothing.

        Raises `StoreUnavailable` where the model does not answer.
        """

    async def close(self) -> None:
        """Release what the model holds."""


class StaticEmbeddings:
    """Averages of word vectors that come with the wordllama package: no server, no download, some 50 µs a text.

    The model (16 MB on disk, 33 MB in memory) is loaded in a thread when it is needed first, in under a second.
    """

    model: Final = "wordllama-l2-supercat-256"
    in_memory: Final = True
    dimensions: Final = 256

    # So many texts cost no more on the event loop than a hop to a thread and back.
    _AT_ONCE: Final = 8
    # The average of a long text hardly moves any more.
    _MAX_CHARACTERS: Final = 2000

    def __init__(self) -> None:
        self._model: _WordVectors | None = None
        self._loading = asyncio.Lock()

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """See `Embeddings`."""
        model = self._model or await self._load()
        if len(texts) <= self._AT_ONCE:
            return self._embed(model, texts)
        return await asyncio.to_thread(self._embed, model, texts)

    async def close(self) -> None:
        """Nothing to release."""

    async def _load(self) -> _WordVectors:
        async with self._loading:
            if self._model is None:
                self._model = await asyncio.to_thread(_load_model)
            return self._model

    def _embed(self, model: _WordVectors, texts: Sequence[str]) -> Matrix:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            # One at a time: a batch is padded to its longest text, and starts threads whose start takes longer.
            tokens = model.tokenizer.encode(text[: self._MAX_CHARACTERS], add_special_tokens=False).ids
            if tokens:
                vectors[row] = model.embedding[tokens].mean(axis=0)
        return normalized(vectors)


def normalized(vectors: Matrix) -> Matrix:
    """Return rows of length 1; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    unit: Matrix = (vectors / lengths).astype(np.float32)
    return unit


class _WordVectors(Protocol):
    """What is used of wordllama, which ships no types: a vector a token."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    @property
    def embedding(self) -> Matrix: ...


def _load_model() -> _WordVectors:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    # Imported here because it takes a third of a second, which no start-up waits for.
    import wordllama  # type: ignore[import-untyped]  # noqa: PLC0415

    # On import the package sets up the root logger, which is not its own.
    root.handlers[:] = handlers
    root.setLevel(level)
    # It looks for its tokenizer beside the weights that it would download; both come with it.
    folder = Path(wordllama.__file__).parent
    model: _WordVectors = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
    return model
