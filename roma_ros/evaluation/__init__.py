"""How well a checkpoint does on streams that it was never trained on."""
