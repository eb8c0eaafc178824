"""Evaluation of a checkpoint on synthetic streams that it was never trained on.

`roma eval world` runs it. The data flow:

    cases -> runners -> outcomes -> *_score -> metrics -> report -> table, plots, JSON

- `protocol`: which streams of the test split are run, and the thresholds of the triggers.
- `cases`: one scene with the alerts, narration or questions that are run on it.
- `runners`: one session per exercise; they record p(speak), text and times.
- `outcomes`: what was recorded per stream.
- `alert_score`, `narration_score`, `answer_score`: definitions of recall, false alarms, F1 and
  accuracy, with their formulas.
- `calibration`: reliability diagram and expected calibration error.
- `bootstrap`: 95 % confidence intervals over worlds.
- `metrics`: every published metric with its target and its trivial baselines.
- `sweeps`: the same scores at other thresholds and windows.
- `report`, `table`, `plots`: JSON, terminal table and PNG files.
- `world_run`: runs all cases of a protocol in several processes.
"""
