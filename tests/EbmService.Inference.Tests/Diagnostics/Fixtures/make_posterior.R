# Writes posterior.json: the diagnostics of draws.json by the R package posterior, by the authors of the definitions.
# Run with Debian's r-cran-posterior (1.4.0) and r-cran-jsonlite:  Rscript make_posterior.R
suppressMessages(library(posterior))

finite <- function(value) if (is.finite(value)) unbox(value) else unbox(NA)
unbox <- jsonlite::unbox
draws <- jsonlite::fromJSON("draws.json")
expected <- lapply(draws, function(chains) {
  x <- t(chains)
  suppressWarnings(list(
    rHat = if (ncol(x) < 2) unbox(NA) else finite(rhat(x)),
    essBulk = finite(ess_bulk(x)),
    essTail = finite(ess_tail(x)),
    essMean = finite(ess_mean(x)),
    mean = finite(mean(x)),
    standardDeviation = finite(sd(x)),
    mcseMean = finite(mcse_mean(x)),
    mcseStandardDeviation = finite(mcse_sd(x))
  ))
})
lines <- vapply(names(expected), function(name) paste0("\"", name, "\": ", jsonlite::toJSON(expected[[name]], digits = NA, na = "null")), "")
writeLines(c("{", paste(lines, collapse = ",\n"), "}"), "posterior.json")
