"""What one version of the Transformer deploys: its functions, its Spark job, and the state machine that drives them."""
