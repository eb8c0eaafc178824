"""Checks of a model folder, made before a model is built from it.

`checkpoint.check_checkpoint` reads no weight, only names, JSON files and headers: files are
regular, inside the folder and of bounded size; every value that is used has a type and bounds; the
weights are those of the model that `config.json` describes; the tokenizer works.
`finite.check_finite` and `trial.process_trial_unit` check the loaded model.
"""
