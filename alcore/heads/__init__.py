"""Task heads: small networks trained from scratch on frozen features."""
