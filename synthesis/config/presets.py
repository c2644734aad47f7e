"""Named settings of every family: `tiny` for tests, `paper` for fidelity, `h200` for a GPU.

`paper` holds the hyper-parameters of the seed systems where they are known, and never their
intensity scaling: CPDM divides each PET slice by its own maximum, which destroys SUV.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from synthesis.config.codec import CtWindow, SuvCodec
from synthesis.config.domain import DomainConfig, VoxelWeightsConfig
from synthesis.config.families import (
    ADVERSARIAL_BETAS,
    AdversarialConfig,
    BaselineConfig,
    Cascade3dConfig,
    CpdmConfig,
    FamilyConfig,
    Pix2PixConfig,
    Pix2PixDdpmConfig,
)
from synthesis.config.networks import (
    AutoencoderConfig,
    CriticConfig,
    DenoiserConfig,
    GeneratorConfig,
    SegmentorConfig,
)
from synthesis.config.processes import BridgeConfig, EdmConfig, FlowConfig, GaussianConfig
from synthesis.config.recipe import RecipeConfig

PRESETS = ("tiny", "paper", "h200")
WIDE = CtWindow(-1000.0, 1000.0)
PLAIN = VoxelWeightsConfig(lesion=0.0, uptake=0.0, background=1.0)

TINY_DOMAIN = DomainConfig(
    form="2.5d", spacing_zyx_mm=(16.0, 12.5, 12.5), neighbours=1, patch=(32, 32), windows=(WIDE,)
)
TINY_GENERATOR = GeneratorConfig(features=(8, 8, 8, 16, 16, 8))
TINY_DENOISER = DenoiserConfig(
    channels=(16, 32), attention=(False, False), head_channels=8, norm_groups=4
)
TINY_3D = DenoiserConfig(channels=(8, 16), attention=(False, False), head_channels=8, norm_groups=4)
TINY_RECIPE = RecipeConfig(steps=20, batch=2, rate=2e-3, warm_up_steps=2)

# One PET slice of the published CPDM study: 256 x 256 of 1.95 mm, 3.27 mm apart.
SLICE = DomainConfig(
    form="2d", spacing_zyx_mm=(3.27, 1.953125, 1.953125), neighbours=0, patch=(256, 256),
    windows=(WIDE,),
)  # fmt: skip
ISOLA = GeneratorConfig(
    architecture="isola", features=(64, 128, 256, 512, 512, 512, 512, 512), dropout=0.5
)
# Isola 2017 and its public settings: batch 1, 100 epochs and 100 of decay; here with the 1560
# training slices that seed 002 reports.
PIX2PIX_RECIPE = RecipeConfig(
    steps=312_000, batch=1, rate=2e-4, critic_rate=2e-4, betas=ADVERSARIAL_BETAS,
    course="linear_decay", warm_up_steps=0, decay_from_step=156_000, largest_gradient=0.0,
)  # fmt: skip

GPU_DOMAIN = DomainConfig(
    form="2.5d", spacing_zyx_mm=(3.27, 1.953125, 1.953125), neighbours=2, patch=(256, 256)
)
GPU_GENERATOR = GeneratorConfig(features=(64, 64, 128, 256, 512, 64))
GPU_RECIPE = RecipeConfig(steps=60_000, batch=16, rate=2e-4, warm_up_steps=1000, ema_decay=0.999)


def preset(family: str, name: str) -> FamilyConfig:
    """Return the named settings of a family.

    Raises
    ------
    ValueError
        When the family or the name is unknown.
    """
    if family not in _MAKERS:
        raise ValueError(f"Unknown family {family!r}; choose {', '.join(_MAKERS)}.")
    if name not in PRESETS:
        raise ValueError(f"Unknown preset {name!r}; choose {', '.join(PRESETS)}.")
    return _MAKERS[family](name)


def _baseline(name: str) -> BaselineConfig:
    if name == "tiny":
        return BaselineConfig(TINY_DOMAIN, TINY_GENERATOR, recipe=TINY_RECIPE)
    if name == "paper":  # no paper: the generator of pix2pix without its critic
        return BaselineConfig(SLICE, ISOLA, PLAIN, PIX2PIX_RECIPE)
    return BaselineConfig(GPU_DOMAIN, GPU_GENERATOR, recipe=GPU_RECIPE)


def _pix2pix(name: str) -> Pix2PixConfig:
    if name == "tiny":
        return Pix2PixConfig(
            TINY_DOMAIN, TINY_GENERATOR, CriticConfig(channels=8, layers=2),
            AdversarialConfig(from_step=0), recipe=replace(TINY_RECIPE, betas=ADVERSARIAL_BETAS),
        )  # fmt: skip
    if name == "paper":
        return Pix2PixConfig(
            SLICE, ISOLA, CriticConfig(channels=64, layers=3, norm="batch"),
            AdversarialConfig(kind="bce", weight=1.0, l1_weight=100.0, from_step=0), PLAIN,
            PIX2PIX_RECIPE,
        )  # fmt: skip
    return Pix2PixConfig(
        GPU_DOMAIN, GPU_GENERATOR, CriticConfig(channels=64),
        AdversarialConfig(from_step=10_000), recipe=replace(GPU_RECIPE, betas=ADVERSARIAL_BETAS),
    )  # fmt: skip


def _pix2pix_ddpm(name: str) -> Pix2PixDdpmConfig:
    gan = _pix2pix(name)
    if name == "tiny":
        return Pix2PixDdpmConfig(
            gan, TINY_DENOISER, GaussianConfig(evaluations=4), recipe=TINY_RECIPE
        )
    if name == "paper":  # seed 004's own settings are unknown; those of Fast-DDPM stand in
        squares = replace(gan.adversarial, kind="least_squares")
        return Pix2PixDdpmConfig(
            replace(gan, adversarial=squares),
            DenoiserConfig(
                channels=(128, 128, 256, 256, 512, 512), res_blocks=2,
                attention=(False, False, False, False, True, False), head_channels=64,
                norm_groups=32,
            ),
            recipe=RecipeConfig(
                steps=200_000, batch=16, rate=2e-5, course="constant", warm_up_steps=0,
                ema_decay=0.999,
            ),
        )  # fmt: skip
    return Pix2PixDdpmConfig(
        gan, _gpu_denoiser(), GaussianConfig(target="v", evaluations=10), recipe=GPU_RECIPE
    )


def _cpdm(name: str) -> CpdmConfig:
    if name == "tiny":
        return CpdmConfig(
            TINY_DOMAIN, denoiser=TINY_DENOISER,
            bridge=BridgeConfig(evaluations=4, eta=0.0, deterministic=True),
            segmentor=SegmentorConfig(features=(8, 8, 8, 8, 8, 8)),
            autoencoder=AutoencoderConfig(channels=(8, 8, 16), norm_groups=4),
            recipe=TINY_RECIPE, segmentor_recipe=TINY_RECIPE, autoencoder_recipe=TINY_RECIPE,
        )  # fmt: skip
    if name == "paper":
        return CpdmConfig(
            SLICE, space="latent",
            # Attention at the deepest level, 8 x 8 in the latent of 64 x 64, and in the middle.
            denoiser=DenoiserConfig(
                channels=(128, 256, 384, 512), res_blocks=2,
                attention=(False, False, False, True), head_channels=64, norm_groups=32,
                resample_in_blocks=True,
            ),
            mu_table="cpdm", concat_source=False, shared_noise=False,
            autoencoder=AutoencoderConfig(channels=(128, 256, 512), norm_groups=32),
            weights=PLAIN,
            recipe=RecipeConfig(
                steps=200_000, batch=16, accumulation=4, rate=1e-4, course="plateau",
                warm_up_steps=0, ema_decay=0.995, ema_from_step=30_000, ema_every=8,
                largest_gradient=0.0,
            ),
            segmentor_recipe=RecipeConfig(
                steps=50_000, batch=16, rate=1e-4, course="constant", warm_up_steps=0
            ),
            autoencoder_recipe=RecipeConfig(steps=100_000, batch=16, rate=1e-4),
        )  # fmt: skip
    return CpdmConfig(
        GPU_DOMAIN, denoiser=_gpu_denoiser(),
        bridge=BridgeConfig(evaluations=4, eta=0.0, deterministic=True, boot_noise=True),
        flow=FlowConfig(evaluations=4),
        segmentor=SegmentorConfig(features=(32, 32, 64, 128, 256, 32)),
        recipe=GPU_RECIPE, segmentor_recipe=replace(GPU_RECIPE, steps=20_000),
    )  # fmt: skip


def _cascade3d(name: str) -> Cascade3dConfig:
    if name == "tiny":
        domain = DomainConfig(
            form="3d", spacing_zyx_mm=(16.0, 12.5, 12.5), neighbours=0, patch=(8, 8, 8),
            windows=(WIDE,),
        )  # fmt: skip
        return Cascade3dConfig(
            domain, volume=(32, 16, 16), chunk=(16, 16, 16), factor=4, overlap=4,
            low=TINY_3D, high=TINY_3D, low_edm=EdmConfig(evaluations=5),
            high_edm=EdmConfig(evaluations=5), low_recipe=TINY_RECIPE, high_recipe=TINY_RECIPE,
        )  # fmt: skip
    return _whole_body(name)


def _whole_body(name: str) -> Cascade3dConfig:
    """Return 384 x 224 x 224 voxels of 2 mm, from 96 x 56 x 56, in chunks of 96 slices."""
    paper = name == "paper"
    domain = DomainConfig(
        form="3d", spacing_zyx_mm=(2.0, 2.0, 2.0), neighbours=0, patch=(96, 56, 56),
        # [-500, 500] cannot tell lung from air; that is the paper's choice, not ours.
        windows=(CtWindow(-500.0, 500.0) if paper else WIDE,),
        codec=SuvCodec(top_suv=25.0 if paper else 40.0),
    )  # fmt: skip
    denoiser = DenoiserConfig(
        channels=(64, 128, 192, 256), res_blocks=3, attention=(False, False, False, True),
        head_channels=64, norm_groups=32,
    )  # fmt: skip
    fine = replace(denoiser, channels=(32, 64, 128, 256), res_blocks=2)  # 15 s on a GPU
    edm = EdmConfig(evaluations=199 if paper else 9)
    recipe = RecipeConfig(
        # 0.017 is the seed's peak rate for layers that keep their magnitude; these do not.
        steps=100_000, batch=8, accumulation=256 if paper else 4, rate=1e-4, betas=(0.9, 0.99),
        course="inverse_sqrt", warm_up_steps=4883, decay_from_step=35_000, ema_decay=0.9999,
    )  # fmt: skip
    return Cascade3dConfig(
        domain, volume=(384, 224, 224), chunk=(96, 224, 224), factor=4, overlap=8,
        low=denoiser, high=denoiser if paper else fine, low_edm=edm, high_edm=edm, low_recipe=recipe,
        high_recipe=recipe,
    )  # fmt: skip


def _gpu_denoiser() -> DenoiserConfig:
    return DenoiserConfig(
        channels=(32, 64, 128, 256), res_blocks=1, attention=(False, False, False, True),
        head_channels=64, norm_groups=32,
    )  # fmt: skip


_MAKERS: dict[str, Callable[[str], FamilyConfig]] = {
    "baseline": _baseline,
    "pix2pix": _pix2pix,
    "pix2pix_ddpm": _pix2pix_ddpm,
    "cpdm": _cpdm,
    "cascade3d": _cascade3d,
}
