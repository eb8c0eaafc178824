"""Training of a thinker and its speak head, in the two stages of the paper (section 3.2).

`roma train` runs it. The path of a sample to a weight:

    curriculum -> example -> layout -> batch -> model -> trainer -> saving

- `settings`: the YAML file of a run.
- `curriculum`: lessons, generated from the synthetic world, short streams first.
- `sample_dataset`, `mixture`, `feature_cache`: files of samples, mixed with the lessons, and the
  features of their units on disk.
- `example`: one stream with its labels, replies and questions.
- `layout`: the tokens of an example and which tokens each one attends to.
- `batch`: the tensors of a batch, with shapes.
- `model`: forward pass and loss, L = L_text + lambda * L_speak (+ L_auxiliary).
- `speak_loss`: the loss of p(speak).
- `auxiliary`: auxiliary targets and heads that train the encoders from scratch (stage 0 only).
- `attention`, `lora`, `muon`: attention kernel, low-rank adapters and optimizer.
- `streaming_scores`: scores on files of samples during training.
- `trainer`, `progress`, `log_plot`, `saving`: transformers' Trainer, its log and its checkpoints.
"""
