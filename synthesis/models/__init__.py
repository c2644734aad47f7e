"""Networks, built from MONAI, and what they see as tensors."""
