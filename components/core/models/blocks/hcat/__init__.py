"""Parts of the model `hcat`, each usable alone.

Shapes: B records, M embedding modalities of the model, W own width of a modality, P patches, D
`d_model`, T tokens, Z latent units, R rounds. Values are z-scores of the training part.
"""
