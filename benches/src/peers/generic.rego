# The conditions are data too: the same policy for every role and tool.
package gate

default allow := false

role := data.roles[input.role]

holds("gt", value, bound) if value > bound

holds("lt", value, bound) if value < bound

holds("in", value, bound) if bound[value]

holds("eq", value, bound) if value == bound

holds("contains", value, bound) if contains(value, bound)

holds("regex", value, bound) if regex.match(bound, value)

unapproved if {
	role.approval[input.tool]
	not input.approved
}

allow if {
	role.tools[input.tool]
	role.envs[input.env]
	input.hour >= role.from
	input.hour < role.to
	role.days[input.dow]
	input.rows <= role.max_rows
	not unapproved
	every condition in role.constraints[input.tool] {
		holds(condition.op, input.args[condition.field], condition.value)
	}
}
