"""Asking providers: one event loop, lanes with limits a model, one retry layer, no request twice."""
