//! Files of checkpoints.
