# The conditions written out; only their limits are data.
package gate

default allow := false

role := data.roles[input.role]

granted if {
	role.tools[input.tool]
	role.envs[input.env]
	input.hour >= role.from
	input.hour < role.to
	role.days[input.dow]
	input.rows <= role.max_rows
}

allow if {
	granted
	input.tool != "send_payment"
	input.tool != "issue_refund"
}

allow if {
	granted
	input.tool == "issue_refund"
	input.approved
}

allow if {
	granted
	input.tool == "send_payment"
	input.args.amount > 0
	input.args.amount < role.max_amount
	role.currencies[input.args.currency]
	input.args.method == role.method
	contains(input.args.memo, "invoice")
	regex.match("^VND-[0-9]{6}$", input.args.vendor_id)
}
