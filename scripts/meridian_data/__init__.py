"""The made-up company of the catalog meridian: a module a part of its business."""
