// absent: kvm_vcpu kvm
#include <linux/kvm_host.h>
int f(struct pt_regs *ctx, struct kvm_vcpu *vcpu) { return vcpu->vcpu_id; }
