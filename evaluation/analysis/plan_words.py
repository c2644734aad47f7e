"""The words that a plan may use."""

SCHEMA = 2

FIXED_FLAGS = (
    "screened", "eligible", "enrolled", "consented", "ct_received", "pet_received", "pair_ready",
    "synthesised", "reference_complete", "analysed",
)  # fmt: skip
FIXED_NUMBERS = ("age_years",)
FIXED_CATEGORIES = ("sex", "site")
FIXED_COLUMNS = ("participant", "exclusion_reason", *FIXED_FLAGS, *FIXED_NUMBERS, *FIXED_CATEGORIES)

COLUMN_KINDS = ("number", "category", "flag")
BASELINE_KINDS = ("number", "category")
STRATEGIES = (
    "treatment policy", "composite", "hypothetical", "principal stratum", "while on treatment",
)  # fmt: skip
METHOD_WORDS = {
    "pooling": ("site_stratified", "crude"),
    "proportion": ("wilson", "wilson_cc", "clopper_pearson", "logit"),
    "heterogeneity": ("reml", "dl", "pm"),
    "bootstrap": ("bca", "percentile"),
    "indeterminate": ("positive", "negative", "wrong", "excluded"),
    "failure": ("wrong", "missing"),
}
SENSITIVITY_KINDS = (
    "data_range", "indeterminate_positive", "indeterminate_negative", "worst_case",
    "complete_case", "analysis_set", "crude", "random_effects", "participant_first",
    "multiple_imputation", "begg_greenes", "tipping_point",
)  # fmt: skip
TEST_KINDS = ("quantity", "scores", "classifier")
POINT_KINDS = ("final", "quality")
QUALITY_FAMILIES = ("flow", "baseline", "missingness", "precision", "reference")
"""What a look for quality may show: no index test, no target condition, so no arm and no outcome."""
DIRECTIONS = ("greater", "less", "two_sided", "within")
TESTABLE = {
    "similarity": ("mean",),
    "agreement": ("bias_percent", "loa_percent"),
    "accuracy": (
        "sensitivity", "specificity", "ppv", "npv", "auc", "sensitivity_difference",
        "specificity_difference", "ppv_difference", "npv_difference", "auc_difference",
    ),
}  # fmt: skip
"""Statistics of which a hypothesis may speak, by kind of endpoint."""
