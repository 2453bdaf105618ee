"""What trials found: response rates, comparisons, pools."""
