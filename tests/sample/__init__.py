"""Tests of the sample community."""
