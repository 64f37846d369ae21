# A plan with whatever variables are given: for the examples, tofu test -filter=tests/plan.tftest.hcl -var-file=...

mock_provider "aws" {}

run "plan" {
  command = plan
}
