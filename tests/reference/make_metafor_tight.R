# Writes metafor_tight.json: metafor with its stopping rules tightened, on the inputs of the
# other references, and cases they lack (effects with empty cells, subgroups, moderators, k = 2).
# Run in this folder: Rscript make_metafor_tight.R
suppressMessages({library(metafor); library(jsonlite)})
tight <- list(threshold = 1e-13, maxiter = 10000, tol = 1e-13, REMLf = TRUE)
summary_of <- function(fit) {
  p <- predict(fit)
  list(estimate = c(fit$beta), se = fit$se, ci_low = fit$ci.lb, ci_high = fit$ci.ub,
       pi_low = p$pi.lb, pi_high = p$pi.ub, tau2 = fit$tau2, i2 = fit$I2 / 100, h2 = fit$H2,
       q = fit$QE, q_p = fit$QEp)
}
all_fits <- function(y, v) {
  out <- list()
  for (m in c("DL", "PM", "ML", "REML")) for (t in c("z", "knha", "adhoc"))
    out[[paste(m, t, sep = "_")]] <- summary_of(rma(y, v, method = m, test = t, control = tight))
  out$EE_z <- summary_of(rma(y, v, method = "EE"))
  ci <- confint(rma(y, v, method = "REML", control = tight), control = list(tol = 1e-13))$random
  out$tau2_ci <- list(low = ci[1, "ci.lb"], high = ci[1, "ci.ub"])
  loo <- leave1out(rma(y, v, method = "REML", control = tight))
  out$leave_one_out <- list(estimate = loo$estimate, tau2 = loo$tau2)
  out
}
read <- function(name) fromJSON(paste0("metafor_", name, ".json"))
sets <- c("bcg_log_rr", "plp_prevalence_30_studies", "pritz1997_proportions")
pools <- lapply(setNames(sets, sets), function(s) {
  d <- read(s); c(list(yi = d$yi, vi = d$vi), all_fits(d$yi, d$vi))
})
two <- list(yi = c(0.2, 1.1), vi = c(0.05, 0.08))
pools$two_studies <- c(two, all_fits(two$yi, two$vi)[c("DL_z", "DL_knha", "PM_knha", "REML_z",
                                                        "REML_knha", "REML_adhoc", "EE_z", "tau2_ci")])

cells <- list(events_1 = c(0, 5, 12, 7.5, 9, 0), n_1 = c(20, 20, 40, 30, 9, 15),
              events_2 = c(4, 0, 9, 3.2, 4, 0), n_2 = c(20, 25, 41, 28, 10, 16))
effects <- list()
for (m in c("RR", "OR", "RD")) {
  e <- escalc(m, ai = cells$events_1, n1i = cells$n_1, ci = cells$events_2, n2i = cells$n_2)
  effects[[m]] <- list(yi = c(e$yi), vi = e$vi)
}
e <- escalc("PLO", xi = cells$events_1, ni = cells$n_1)
effects$PLO <- list(yi = c(e$yi), vi = e$vi)
arms <- list(mean_1 = c(3.1, 5), sd_1 = c(1.2, 2), n_1 = c(20, 31), mean_2 = c(4, 4.5),
             sd_2 = c(1.5, 2.2), n_2 = c(22, 30))
e <- escalc("MD", m1i = arms$mean_1, sd1i = arms$sd_1, n1i = arms$n_1,
            m2i = arms$mean_2, sd2i = arms$sd_2, n2i = arms$n_2)
effects$MD <- list(yi = c(e$yi), vi = e$vi)

d <- read("bcg_meta_regression")
latitude <- d$moderator
year <- c(48, 49, 60, 77, 73, 53, 73, 80, 68, 61, 74, 69, 76)
regressions <- list()
for (m in c("DL", "PM", "ML", "REML")) for (t in c("z", "knha")) {
  f <- rma(d$yi, d$vi, mods = cbind(latitude, year), method = m, test = t, control = tight)
  p <- predict(f, newmods = rbind(c(10, 60), c(50, 75)))
  regressions[[paste(m, t, sep = "_")]] <- list(
    coefficients = c(f$beta), se = f$se, ci_low = f$ci.lb, ci_high = f$ci.ub, tau2 = f$tau2,
    i2 = f$I2 / 100, h2 = f$H2, qe = f$QE, qe_p = f$QEp, qm = f$QM, qm_p = f$QMp, r2 = f$R2 / 100,
    fitted = p$pred, fitted_low = p$ci.lb, fitted_high = p$ci.ub, fitted_pi_low = p$pi.lb,
    fitted_pi_high = p$pi.ub)
}
ci <- confint(rma(d$yi, d$vi, mods = cbind(latitude, year), control = tight),
              control = list(tol = 1e-13))$random
regressions$tau2_ci <- list(low = ci[1, "ci.lb"], high = ci[1, "ci.ub"])

group <- c("random", "random", "random", "random", "alternate", "alternate", "random", "random",
           "systematic", "systematic", "systematic", "random", "systematic")
subgroups <- list(group = group)
for (t in c("z", "knha")) {
  f <- rma(d$yi, d$vi, mods = ~ factor(group), method = "REML", test = t, control = tight)
  by <- lapply(sort(unique(group)), function(g)
    rma(d$yi[group == g], d$vi[group == g], method = "REML", test = t, control = tight))
  est <- sapply(by, function(b) c(b$beta)); se <- sapply(by, function(b) b$se)
  between <- rma(est, sei = se, method = "FE")
  subgroups[[t]] <- list(common_tau2 = f$tau2, common_q = f$QM, common_p = f$QMp,
                         estimate = est, se = se, tau2 = sapply(by, function(b) b$tau2),
                         separate_q = between$QE, separate_p = between$QEp)
}

glmm <- list()
for (s in sets[2:3]) for (points in c(7, 25)) {
  d <- read(s)
  f <- rma.glmm(measure = "PLO", xi = d$events, ni = d$n, nAGQ = points, test = "t",
                control = list(glmerCtrl = list(optimizer = "bobyqa",
                                                tolPwrss = 1e-10,
                                                optCtrl = list(rhoend = 1e-10, maxfun = 1e5))))
  p <- predict(f)
  glmm[[paste(s, points, sep = "_")]] <- list(
    estimate = c(f$beta), se = f$se, ci_low = f$ci.lb, ci_high = f$ci.ub, tau2 = f$tau2,
    loglik = c(logLik(f)), pi_low = p$pi.lb, pi_high = p$pi.ub, q_wald = f$QE.Wld, q_lrt = f$QE.LRT)
}
writeLines(toJSON(list(
  made_with = list(R = as.character(getRversion()), metafor = as.character(packageVersion("metafor")),
                   lme4 = as.character(packageVersion("lme4"))),
  pools = pools, cells = cells, arms = arms, effects = effects,
  regression_moderators = list(latitude = latitude, year = year), regressions = regressions,
  subgroups = subgroups, glmm = glmm), digits = 15, auto_unbox = TRUE, pretty = FALSE),
  "metafor_tight.json")
