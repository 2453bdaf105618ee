# Writes metafor_two_arms.json: two-arm trials pooled by rma.mh, rma.peto and rma.glmm (measure "OR",
# model "CM.EL"), with the counts beside the results. Run in this folder: Rscript make_metafor_two_arms.R
# Packages: metafor, metadat, BiasedUrn, numDeriv, jsonlite.
suppressMessages({library(metafor); library(metadat); library(jsonlite)})
of <- function(a, n1, c, n2) list(a = a, n1 = n1, c = c, n2 = n2)
d <- function(name) get(name)
bcg <- d("dat.bcg")
yusuf <- subset(d("dat.yusuf1985"), table == "6")
fine <- d("dat.fine1993"); damico <- d("dat.damico2009"); pagliaro <- d("dat.pagliaro1992")
take <- function(x) of(x$ai, x$n1i, x$ci, x$n2i)
axfors <- subset(d("dat.axfors2021"), hcq_cq == "hcq")
quick <- "quick" %in% commandArgs(TRUE)
sets <- list(
  epidural_month_6 = of(c(11, 12), c(11, 13), c(9, 3), c(14, 12)),          # two trials, a full arm
  two_trials_rare = of(c(1, 0), c(250, 310), c(4, 2), c(248, 305)),
  bcg = of(bcg$tpos, bcg$tpos + bcg$tneg, bcg$cpos, bcg$cpos + bcg$cneg),  # heavy heterogeneity
  nielweise2007 = take(d("dat.nielweise2007")),                            # rare, zero cells
  yusuf1985 = take(yusuf),
  hine1989 = take(d("dat.hine1989")),
  egger2001 = take(d("dat.egger2001")),
  li2007 = take(d("dat.li2007")),
  linde2005 = take(d("dat.linde2005")),
  hahn2001 = take(d("dat.hahn2001")),
  lau1992 = take(d("dat.lau1992")),
  laopaiboon2015 = take(d("dat.laopaiboon2015")),
  damico2009 = of(damico$xt, damico$nt, damico$xc, damico$nc),
  axfors2021 = of(axfors$hcq_arm_event, axfors$hcq_arm_total, axfors$control_arm_event,
                  axfors$control_arm_total),                               # many double zeros
  fine1993 = of(fine$e1i, fine$nei, fine$c1i, fine$nci),
  zero_cells = of(c(0, 3, 0, 5, 10, 0), c(20, 25, 15, 18, 10, 12), c(4, 0, 2, 5, 7, 0),
                  c(20, 24, 16, 18, 10, 12)),
  one_sided = of(c(2, 1, 3, 1), c(40, 35, 60, 22), c(0, 0, 1, 0), c(41, 36, 58, 20)),
  unequal_arms = of(c(30, 4, 18, 9), c(300, 20, 90, 150), c(2, 10, 3, 12), c(25, 100, 30, 40)),
  opposite = of(c(18, 2, 15, 3), c(20, 20, 20, 20), c(4, 15, 3, 16), c(20, 20, 20, 20)),
  alike = of(c(10, 20, 15), c(50, 100, 75), c(20, 40, 30), c(50, 100, 75))
)
keep <- function(s) lapply(s, function(x) x[!is.na(s$a) & !is.na(s$c) & !is.na(s$n1) & !is.na(s$n2)])
brief <- function(f) list(estimate = c(f$beta), se = f$se, p = f$pval, low = f$ci.lb, high = f$ci.ub,
                          q = f$QE, q_p = f$QEp)
exact <- function(s, opt, ...) suppressWarnings(rma.glmm(measure = "OR", ai = s$a, n1i = s$n1,
  ci = s$c, n2i = s$n2, model = "CM.EL", ..., control = list(optimizer = opt,
    dnchgcalc = "dnoncenhypergeom", optCtrl = if (opt == "nlminb") list(rel.tol = 1e-12, x.tol = 1e-9)
      else list(reltol = 1e-12, maxit = 5000),
    intCtrl = list(subdivisions = 1000L, rel.tol = 1e-8, lower = -Inf, upper = Inf))))
# metafor integrates over the whole line and searches without derivatives: minutes a set. Where it
# ends without a standard error (as at tau2 = 0) or not in time, the result is NULL.
ml <- function(s) {
  for (opt in c("nlminb", "BFGS")) {
    setTimeLimit(elapsed = 120)
    f <- try(exact(s, opt), silent = TRUE)
    setTimeLimit(elapsed = Inf)
    if (!inherits(f, "try-error") && !is.na(f$se))
      return(list(estimate = c(f$beta), se = f$se, tau2 = f$tau2, loglik = c(logLik(f)),
                  q_lrt = f$QE.LRT, optimizer = opt))
    if (inherits(f, "try-error") && grepl("time limit", f)) return(NULL)
  }
  NULL
}
common <- function(s) {
  f <- try(exact(s, "BFGS", method = "EE"), silent = TRUE)
  if (inherits(f, "try-error")) NULL else brief(f)[c("estimate", "se")]
}
out <- list()
for (name in names(sets)) {
  s <- keep(sets[[name]])
  fits <- list(counts = s)
  for (m in c("RD", "RR", "OR"))
    fits[[m]] <- brief(rma.mh(measure = m, ai = s$a, n1i = s$n1, ci = s$c, n2i = s$n2))
  fits$peto <- brief(rma.peto(ai = s$a, n1i = s$n1, ci = s$c, n2i = s$n2))
  for (m in c("RD", "RR", "OR")) {
    e <- escalc(m, ai = s$a, n1i = s$n1, ci = s$c, n2i = s$n2, drop00 = m != "RD")
    f <- rma(e$yi, e$vi, method = "REML", control = list(threshold = 1e-13, maxiter = 10000))
    fits[[paste0("reml_", m)]] <- c(brief(f), list(tau2 = f$tau2))
  }
  fits$cm_el_common <- common(s)
  fits$cm_el <- if (quick) NULL else ml(s)
  out[[name]] <- fits
  cat(name, length(s$a), unlist(fits$cm_el_common), unlist(fits$cm_el), "\n")
}
writeLines(toJSON(list(made_with = list(R = as.character(getRversion()),
  metafor = as.character(packageVersion("metafor")), metadat = as.character(packageVersion("metadat")),
  BiasedUrn = as.character(packageVersion("BiasedUrn"))), sets = out), digits = 15, auto_unbox = TRUE,
  na = "null"), if (quick) "quick.json" else "metafor_two_arms.json")
