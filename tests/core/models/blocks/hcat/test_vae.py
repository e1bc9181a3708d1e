"""The joint latent: what it is made from, when it is drawn, and what it is decoded to."""

from __future__ import annotations

import pytest
import torch

from components.core.models.blocks.hcat.layout import Layout
from components.core.models.blocks.hcat.vae import JointDecoder, JointEncoder, ScaleEncoder

LAYOUT = Layout({"emb_clinical": 3, "emb_semantic": 4})


@pytest.fixture
def encoder() -> JointEncoder:
    torch.manual_seed(0)
    return JointEncoder(2, d_model=8, latent=3, scales=2, heads=2, dropout=0.1)


def test_scales_halve_the_hidden_width() -> None:
    own = ScaleEncoder(16, scales=3, dropout=0.0)
    widths = [body[1].out_features for body in own.each]  # pyright: ignore[reportIndexIssue]
    assert widths == [16, 8, 4]
    assert own(torch.randn(5, 16)).shape == (5, 3, 16)


def test_the_latent_is_drawn_while_training_and_its_mean_otherwise(encoder: JointEncoder) -> None:
    tokens, weight = torch.randn(2000, 2, 8), torch.ones(2000, 2)
    still = encoder.eval()(tokens, weight)
    assert torch.equal(still.drawn, still.mean)
    drawn = encoder.train()(tokens, weight)
    z = (drawn.drawn - drawn.mean) / torch.exp(0.5 * drawn.log_variance)
    assert abs(z.mean().item()) < 0.05
    assert z.std().item() == pytest.approx(1, abs=0.05)


def test_what_is_not_there_does_not_matter(encoder: JointEncoder) -> None:
    encoder.eval()
    tokens, weight = torch.randn(4, 2, 8), torch.tensor([[1.0, 0.0]] * 4)
    other = torch.cat([tokens[:, :1], -tokens[:, 1:]], dim=1)
    torch.testing.assert_close(encoder(other, weight).mean, encoder(tokens, weight).mean)
    whole = torch.ones(4, 2)
    assert not torch.allclose(encoder(other, whole).mean, encoder(tokens, whole).mean)


def test_both_modalities_have_a_say(encoder: JointEncoder) -> None:
    tokens = torch.randn(4, 2, 8, requires_grad=True)
    encoder.eval()(tokens, torch.ones(4, 2)).mean.square().sum().backward()
    assert tokens.grad is not None
    assert (tokens.grad.abs().sum((0, 2)) > 0).all()


def test_extreme_tokens_leave_a_finite_variance(encoder: JointEncoder) -> None:
    with torch.no_grad():
        encoder.log_variance.bias.fill_(1e4)
    found = encoder(torch.randn(4, 2, 8), torch.ones(4, 2))
    assert found.drawn.isfinite().all()
    assert found.log_variance.max().item() == 4.0


def test_everything_is_decoded_in_its_own_width() -> None:
    torch.manual_seed(0)
    decoder = JointDecoder(LAYOUT, d_model=8, latent=3, dropout=0.0)
    tokens, imputed, same = decoder(torch.randn(5, 3))
    assert tokens.shape == (5, 2, 8)
    assert imputed.shape == same.shape == (5, 7)
    # What is added to the linear path is near nothing at first.
    assert imputed.abs().max().item() < 0.05
