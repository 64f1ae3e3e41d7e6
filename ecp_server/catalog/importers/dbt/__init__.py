"""From the semantic models and metrics of a dbt project (MetricFlow) to catalog files and a semantic model."""
