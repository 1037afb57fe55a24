"""A language model of 0.2 million random numbers, for real inference servers to serve.

It speaks bytes and says nonsense, but a grammar can hold it to a schema, its tokens can be counted
and its embeddings are numbers: what a test of the wire needs, made in a second.
"""

from pathlib import Path

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, HIDDEN, CONTEXT = 64, 2, 4, 128, 2048
SPECIAL = ("<|end|>", "<|im_start|>", "<|im_end|>")
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)


def write_model(path: Path, seed: int = 1) -> None:
    """Write the model as GGUF; the same seed makes the same bytes."""
    words = [*SPECIAL, *_bytes_as_text(), "th"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny-nonsense")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(words))
    writer.add_file_type(0)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types([3 if word in SPECIAL else 1 for word in words])
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT)
    for name, shape in _shapes(len(words)).items():
        writer.add_tensor(name, _numbers(name, shape, seed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _shapes(words: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (words, WIDTH),
        "output_norm.weight": (WIDTH,),
        "output.weight": (words, WIDTH),
    }
    for number in range(LAYERS):
        block = f"blk.{number}"
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"{block}.{part}.weight"] = (WIDTH, WIDTH)
        shapes |= {
            f"{block}.attn_norm.weight": (WIDTH,),
            f"{block}.ffn_norm.weight": (WIDTH,),
            f"{block}.ffn_gate.weight": (HIDDEN, WIDTH),
            f"{block}.ffn_up.weight": (HIDDEN, WIDTH),
            f"{block}.ffn_down.weight": (WIDTH, HIDDEN),
        }
    return shapes


def _numbers(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    if name.endswith("norm.weight"):
        return np.ones(shape, dtype=np.float32)
    random = np.random.default_rng([seed, *name.encode()])
    scale = 1.0 if name == "token_embd.weight" else WIDTH**-0.5
    return random.normal(0, scale, shape).astype(np.float32)


def _bytes_as_text() -> list[str]:
    """A letter for each byte, as byte-level tokenizers write them: printable ones stand as they are."""
    plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]
