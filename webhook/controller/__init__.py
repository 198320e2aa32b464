"""The post-create hook: brings every managed namespace to the state its tier describes."""
