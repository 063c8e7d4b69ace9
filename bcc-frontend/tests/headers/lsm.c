#include <linux/binfmts.h>
#include <linux/fs.h>
LSM_PROBE(bprm_check_security, struct linux_binprm *bprm) { return bprm->argc > 5 ? -EPERM : 0; }
