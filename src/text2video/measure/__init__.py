"""What can be measured of any captioned clips, without labels: retrieval, Fréchet distance, diversity, nearest training
clip, flicker. Knows neither the judge nor how clips are drawn."""
