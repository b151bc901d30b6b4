"""What exists, as values: addresses, pools, Services, speakers. Standard library only, no I/O, no clock."""
