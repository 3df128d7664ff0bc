"""What one version of the Transformer deploys: three functions and the state machine that drives them."""
