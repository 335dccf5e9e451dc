"""Values of the metrics as a scrape shows them."""

from prometheus_client.parser import text_string_to_metric_families

from scholarship_api.platform.observability import metrics


def _samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(name: str, **labels: str) -> float | None:
    """The value of a sample; None if there is none with these labels."""
    return _samples(metrics.render()).get((name, tuple(sorted(labels.items()))))
